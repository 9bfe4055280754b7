import { describe, expect, test } from "vitest";
import type { Json } from "../../../../src/gateway/documents.ts";
import { ask, cells } from "./kit.ts";

/** Calls of three teams: what they took, and how they ended. */
const calls = `let Calls = datatable(Team:string, Ms:long, Code:int, At:datetime) [
  "growth", 100, 200, datetime(2026-11-20T10:00:10Z),
  "growth", 300, 429, datetime(2026-11-20T10:00:50Z),
  "prod", 200, 200, datetime(2026-11-20T10:01:00Z),
  "growth", long(null), 200, datetime(2026-11-20T10:02:30Z),
  "prod", 400, int(null), datetime(2026-11-20T10:03:59Z),
  "", 50, 500, datetime(2026-11-20T10:04:00Z)];
`;

type Case = readonly [query: string, rows: readonly (readonly Json[])[]];

const tables: Readonly<Record<string, readonly Case[]>> = {
  "where, count, take, distinct": [
    ["Calls | where Code == 200 | count", [[3]]],
    ["Calls | where Code != 200 | count", [[3]]],
    ["Calls | where not(Code == 200) | count", [[3]]],
    ["Calls | where Code < 500 | count", [[4]]],
    ["Calls | where Ms > 1000 or isnull(Ms) | project Team", [["growth"]]],
    ["Calls | where Ms > 100 | where Team == 'prod' | project Ms", [[200], [400]]],
    ["Calls | take 2 | project Ms", [[100], [300]]],
    ["Calls | limit 0", []],
    ["Calls | distinct Team", [["growth"], ["prod"], [""]]],
    [
      "Calls | project Team, Ok = Code == 200 | distinct *",
      [
        ["growth", true],
        ["growth", false],
        ["prod", true],
        ["prod", false],
        ["", false],
      ],
    ],
    ["Calls | where At between (datetime(2026-11-20T10:01:00Z) .. datetime(2026-11-20T10:03:59Z)) | count", [[3]]],
  ],
  columns: [
    ["Calls | take 1 | extend Slow = Ms > 50, Ms = Ms * 2 | project Team, Slow, Ms", [["growth", true, 200]]],
    ["Calls | take 1 | extend Ms = Ms * 2, Old = Ms | project Ms, Old", [[200, 100]]],
    ["Calls | take 1 | extend Ms + 1 | project Column1", [[101]]],
    ["Calls | take 1 | project-away At, C*", [["growth", 100]]],
    ["Calls | take 1 | project-keep Code, Team", [["growth", 200]]],
    ["Calls | take 1 | project-reorder Code, Ms | project-away At", [[200, 100, "growth"]]],
    ["Calls | take 1 | project-rename Who = Team | project Who", [["growth"]]],
    ["Calls | take 1 | project Minute = bin(At, 1m)", [["2026-11-20T10:00:00Z"]]],
  ],
  order: [
    ["Calls | sort by Ms | project Ms", [[400], [300], [200], [100], [50], [null]]],
    ["Calls | sort by Ms asc | project Ms", [[null], [50], [100], [200], [300], [400]]],
    ["Calls | sort by Ms asc nulls last | take 1 | project Ms", [[50]]],
    ["Calls | sort by Ms desc nulls first | take 1 | project Ms", [[null]]],
    [
      "Calls | order by Team asc, Ms desc | project Team, Ms",
      [
        ["", 50],
        ["growth", 300],
        ["growth", 100],
        ["growth", null],
        ["prod", 400],
        ["prod", 200],
      ],
    ],
    ["Calls | top 2 by Ms | project Ms", [[400], [300]]],
    ["Calls | top 2 by Ms asc nulls last | project Ms", [[50], [100]]],
    ["Calls | top 0 by Ms", []],
  ],
  summarize: [
    ["Calls | summarize count(), sum(Ms), avg(Ms), min(Ms), max(Ms)", [[6, 1050, 210, 50, 400]]],
    [
      "Calls | summarize count() by Team",
      [
        ["growth", 3],
        ["prod", 2],
        ["", 1],
      ],
    ],
    [
      "Calls | summarize sum(Ms), avg(Ms) by Team",
      [
        ["growth", 400, 200],
        ["prod", 600, 300],
        ["", 50, 50],
      ],
    ],
    [
      "Calls | summarize countif(Code == 200), sumif(Ms, Code == 200), avgif(Ms, Code >= 300), maxif(Ms, Code == 200), minif(Ms, Code == 1)",
      [[3, 300, 175, 200, null]],
    ],
    ["Calls | summarize dcount(Team), dcountif(Team, Code == 200), count_distinct(Code)", [[3, 2, 3]]],
    ["Calls | summarize percentile(Ms, 50), percentile(Ms, 95), percentile(Ms, 0)", [[200, 400, 50]]],
    ["Calls | summarize percentiles(Ms, 25, 50, 75)", [[100, 200, 300]]],
    ["Calls | summarize percentile(At, 50)", [["2026-11-20T10:01:00Z"]]],
    ["Calls | summarize make_set(Team), make_list(Ms)", [['["growth","prod",""]', "[100,300,200,400,50]"]]],
    ["Calls | summarize make_set(Team, 2), make_list(Ms, 1)", [['["growth","prod"]', "[100]"]]],
    ["Calls | summarize make_set_if(Team, Code == 200), make_list_if(Ms, Code == 429)", [['["growth","prod"]', "[300]"]]],
    ["Calls | summarize take_any(Team) by Code | where isnull(Code)", [[null, "prod"]]],
    ["Calls | where Team != 'growth' | sort by Ms asc | summarize take_any(Team)", [["prod"]]],
    ["Calls | summarize arg_max(Ms, Team, Code)", [[400, "prod", null]]],
    [
      "Calls | summarize arg_min(Ms, *) by Team | project Team, Ms, Code",
      [
        ["growth", 100, 200],
        ["prod", 200, 200],
        ["", 50, 500],
      ],
    ],
    ["Calls | summarize arg_max(At, *) | project Team, Ms", [["", 50]]],
    ["Calls | where isnull(Ms) | summarize arg_max(Ms, Team)", [[null, "growth"]]],
    ["Calls | summarize arg_max(Code > 100, Ms), arg_min(Code > 1000, Team)", [[true, 100, false, "growth"]]],
    ["Calls | summarize arg_max(Ms, *), min(Ms)", [[400, "prod", null, "2026-11-20T10:03:59Z", 50]]],
    ["Calls | summarize Share = round(100.0 * countif(Code == 200) / count(), 1)", [[50]]],
    ["Calls | summarize n = count() / 4", [[1]]],
    [
      "Calls | summarize n = count() by bin(At, 2m)",
      [
        ["2026-11-20T10:00:00Z", 3],
        ["2026-11-20T10:02:00Z", 2],
        ["2026-11-20T10:04:00Z", 1],
      ],
    ],
    [
      "Calls | summarize n = count() by Team, Ok = Code == 200",
      [
        ["growth", true, 2],
        ["growth", false, 1],
        ["prod", true, 1],
        ["prod", false, 1],
        ["", false, 1],
      ],
    ],
    ["Calls | summarize by Team", [["growth"], ["prod"], [""]]],
    ["Calls | summarize round(stdev(Ms), 4), variance(Ms)", [[143.1782, 20500]]],
    ["Calls | summarize stdev(Ms), avg(Code) by Team | where Team == ''", [["", 0, 500]]],
    ["Calls | summarize avg(At - datetime(2026-11-20T10:00:00Z))", [["00:02:04.8333333"]]],
    [
      "Calls | where false | summarize count(), sum(Ms), avg(Ms), max(Ms), percentile(Ms, 50), make_set(Team), dcount(Team), take_any(Team), stdev(Ms)",
      [[0, 0, null, null, null, "[]", 0, "", 0]],
    ],
    ["Calls | where false | summarize count() by Team", []],
    ["Calls | where isnull(Ms) | summarize sum(Ms), avg(Ms), max(Ms) by Team", [["growth", 0, null, null]]],
  ],
  "let, functions, toscalar": [
    [
      "let n = 2; let T = Calls | where Team == 'prod'; T | extend n | project Ms, n",
      [
        [200, 2],
        [400, 2],
      ],
    ],
    ["let total = toscalar(Calls | count); Calls | take 1 | project total", [[6]]],
    ["let prod = () { Calls | where Team == 'prod' }; prod() | count", [[2]]],
    ["let prod = () { Calls | where Team == 'prod' }; prod | count", [[2]]],
    ["let limit_ms = () { 150 }; Calls | where Ms > limit_ms() | count", [[3]]],
    ["let M = materialize(Calls | where Ms > 100); M | count", [[3]]],
    ["Calls | where Ms == toscalar(Calls | summarize max(Ms)) | project Team", [["prod"]]],
    ["Calls | where Team in (Calls | where Code == 429 | project Team) | count", [[3]]],
    ["Calls | where Team !in ((Calls | where Code == 429 | distinct Team)) | count", [[3]]],
    ["Calls | where Code in (200, 500) | count", [[4]]],
  ],
  "tables of their own": [
    ["print 1, a = 'x', 2m", [[1, "x", "00:02:00"]]],
    ["range x from 1 to 7 step 3", [[1], [4], [7]]],
    ["range x from 5 to 1 step -2", [[5], [3], [1]]],
    [
      "range t from datetime(2026-01-01) to datetime(2026-01-01T02:00) step 1h",
      [["2026-01-01T00:00:00Z"], ["2026-01-01T01:00:00Z"], ["2026-01-01T02:00:00Z"]],
    ],
    [
      "datatable(a:long, b:dynamic) [1, dynamic({'x': [1]}), 2, dynamic(null)] | project a, b",
      [
        [1, '{"x":[1]}'],
        [2, null],
      ],
    ],
    ["Calls | take 1 | project Team | render timechart", [["growth"]]],
  ],
  union: [
    [
      "union (print a = 1), (print a = 2, b = 'x')",
      [
        [1, ""],
        [2, "x"],
      ],
    ],
    ["print a = 1 | union kind=outer (print a = 2) | summarize sum(a)", [[3]]],
    [
      "union (print a = 1), (print a = 'x')",
      [
        [1, ""],
        [null, "x"],
      ],
    ],
    [
      "union withsource=Source (print a = 1), (print a = 2)",
      [
        ["union_arg0", 1],
        ["union_arg1", 2],
      ],
    ],
  ],
  "mv-expand": [
    [
      "print a = 1, b = dynamic([10, 20]) | mv-expand b",
      [
        [1, "10"],
        [1, "20"],
      ],
    ],
    [
      "print a = 1, b = dynamic([10, 20]) | mv-expand b to typeof(long)",
      [
        [1, 10],
        [1, 20],
      ],
    ],
    [
      "print b = dynamic([1, 2]), c = dynamic(['x']) | mv-expand b to typeof(int), c to typeof(string)",
      [
        [1, "x"],
        [2, ""],
      ],
    ],
    ["print b = dynamic({'p': 1, 'q': 2}) | mv-expand b", [['{"p":1}'], ['{"q":2}']]],
    ["print b = dynamic([]) | mv-expand b", [[null]]],
    ["print b = dynamic(5) | mv-expand b to typeof(long)", [[5]]],
    [
      "print b = dynamic(['a', 'b']) | mv-expand with_itemindex = i b to typeof(string)",
      [
        ["a", 0],
        ["b", 1],
      ],
    ],
    ["print d = dynamic({'l': [1, 2]}) | mv-expand x = d.l to typeof(long) | project x", [[1], [2]]],
  ],
  "make-series": [
    [
      "Calls | make-series n = count(), Ms = sum(Ms) on At from datetime(2026-11-20T10:00Z) to datetime(2026-11-20T10:03Z) step 1m by Team",
      [
        [
          "growth",
          "[2,0,1]",
          "[400,0,0]",
          '["2026-11-20T10:00:00.0000000Z","2026-11-20T10:01:00.0000000Z","2026-11-20T10:02:00.0000000Z"]',
        ],
        ["prod", "[0,1,0]", "[0,200,0]", '["2026-11-20T10:00:00.0000000Z","2026-11-20T10:01:00.0000000Z","2026-11-20T10:02:00.0000000Z"]'],
      ],
    ],
    [
      "Calls | make-series m = max(Ms) default = long(null) on At from datetime(2026-11-20T10:00:30Z) to datetime(2026-11-20T10:02:31Z) step 1m | project m",
      [["[300,null,null]"]],
    ],
    [
      "Calls | make-series a = avg(Ms) default = -1 on At from datetime(2026-11-20T10:00Z) to datetime(2026-11-20T10:05Z) step 2m | project a",
      [["[200,400,50]"]],
    ],
    [
      "Calls | where false | make-series n = count() on At from datetime(2026-11-20T10:00Z) to datetime(2026-11-20T10:03Z) step 1m by Team",
      [],
    ],
    [
      "Calls | make-series n = count() on At from datetime(2026-11-20T10:00Z) to datetime(2026-11-20T10:02Z) step 1m by Team | mv-expand n to typeof(long), At to typeof(datetime) | where Team == 'prod'",
      [
        ["prod", 0, "2026-11-20T10:00:00Z"],
        ["prod", 1, "2026-11-20T10:01:00Z"],
      ],
    ],
  ],
};

describe.each(Object.entries(tables))("%s", (_, cases) => {
  test.each(cases)("%s", (query, rows) => {
    expect(cells(calls + query)).toEqual(rows);
  });
});

describe("join", () => {
  const sides = `let L = datatable(k:string, l:long) ["a", 1, "a", 2, "b", 3, "", 4];
    let R = datatable(k:string, r:long) ["a", 10, "a", 20, "c", 30, "", 40];
`;
  const left = [
    ["a", 1, "a", 10],
    ["a", 1, "a", 20],
    ["a", 2, "a", 10],
    ["a", 2, "a", 20],
  ];
  test.each<Case>([
    ["L | join kind=inner R on k", [...left, ["", 4, "", 40]]],
    ["L | join R on k", [...left.slice(0, 2), ["", 4, "", 40]]],
    ["L | join kind=innerunique R on k", [...left.slice(0, 2), ["", 4, "", 40]]],
    ["L | join kind=leftouter R on k", [...left, ["b", 3, "", null], ["", 4, "", 40]]],
    ["L | join kind=rightouter R on k", [...left, ["", 4, "", 40], ["", null, "c", 30]]],
    ["L | join kind=fullouter R on k", [...left, ["b", 3, "", null], ["", 4, "", 40], ["", null, "c", 30]]],
    [
      "L | join kind=leftsemi R on k",
      [
        ["a", 1],
        ["a", 2],
        ["", 4],
      ],
    ],
    [
      "L | join kind=rightsemi R on k",
      [
        ["a", 10],
        ["a", 20],
        ["", 40],
      ],
    ],
    ["L | join kind=leftanti R on k", [["b", 3]]],
    ["L | join kind=anti R on k", [["b", 3]]],
    ["L | join kind=rightanti R on k", [["c", 30]]],
    [
      "L | join kind=inner (R | project-rename z = k) on $left.k == $right.z | project l, r",
      [
        [1, 10],
        [1, 20],
        [2, 10],
        [2, 20],
        [4, 40],
      ],
    ],
    ["L | join kind=inner R on $left.k == $right.k and $left.l == $right.r | count", [[0]]],
    [
      "L | join kind=inner (R | extend l = r / 10) on k, l | project k, l, r",
      [
        ["a", 1, 10],
        ["a", 2, 20],
        ["", 4, 40],
      ],
    ],
  ])("%s", (query, rows) => {
    expect(cells(sides + query)).toEqual(rows);
  });

  test("a key that is null equals none", () => {
    const nulls = "let L = datatable(k:long) [1, long(null)]; L | join kind=";
    expect(cells(`${nulls}inner L on k`)).toEqual([[1, 1]]);
    expect(cells(`${nulls}leftouter L on k`)).toEqual([
      [1, 1],
      [null, null],
    ]);
    expect(cells(`${nulls}leftanti L on k`)).toEqual([[null]]);
  });

  test("names of both sides stay apart", () => {
    expect(ask(`${sides}L | join kind=inner R on k`).columns.map(({ name }) => name)).toEqual(["k", "l", "k1", "r"]);
  });
});

describe("stored rows", () => {
  const rows = {
    ApiManagementGatewayLogs: [
      {
        TimeGenerated: "2026-11-20T10:00:00.250Z",
        ApiId: "openai",
        ResponseCode: 200,
        BackendUrl: null,
        TraceRecords: [{ message: "hit" }],
      },
      { TimeGenerated: "2026-11-20T10:30:00.000Z", ApiId: "openai", ResponseCode: 429, IsRequestSuccess: false },
    ],
  };

  test("are read by their columns: a text that is missing is empty, anything else null", () => {
    expect(
      ask("ApiManagementGatewayLogs | project TimeGenerated, BackendUrl, BackendResponseCode, TraceRecords, IsRequestSuccess", rows).rows,
    ).toEqual([
      ["2026-11-20T10:00:00.25Z", "", null, '[{"message":"hit"}]', null],
      ["2026-11-20T10:30:00Z", "", null, null, false],
    ]);
  });

  test("are all columns of the schema, in its order", () => {
    const { columns } = ask("ApiManagementGatewayLlmLog", {});
    expect(columns[0]).toEqual({ name: "TenantId", type: "string" });
    expect(columns).toHaveLength(22);
  });

  test("came in when they were generated, or so much later", () => {
    const lag = "ApiManagementGatewayLogs | where ApiId == 'openai' | extend Lag = ingestion_time() - TimeGenerated | project Lag";
    expect(ask(lag, rows).rows).toEqual([["00:00:00"], ["00:00:00"]]);
    expect(ask(lag, rows, (time) => time + 240_000).rows).toEqual([["00:04:00"], ["00:04:00"]]);
    expect(ask("ApiManagementGatewayLogs | summarize count() by ApiId | project ingestion_time()", rows).rows).toEqual([[null]]);
  });

  test("answers have the types that the binder gives them", () => {
    const { columns } = ask(
      "ApiManagementGatewayLogs | summarize n = count(), avg(ResponseCode), Ratio = count() / 2 by bin(TimeGenerated, 1h)",
      rows,
    );
    expect(columns.map(({ name, type }) => `${name}:${type}`)).toEqual([
      "TimeGenerated:datetime",
      "n:long",
      "avg_ResponseCode:real",
      "Ratio:long",
    ]);
  });
});
