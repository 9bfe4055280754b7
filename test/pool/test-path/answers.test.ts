import { describe, expect, test } from "vitest";
import type { ProbeAnswer } from "../../../src/gateway/ports.ts";
import { isWorking, isWorthAgain, notWorking, toldBy } from "../../../src/pool/test-path/answers.ts";

const north = { backendId: "north", url: "https://north.example/openai" };
const role = "az role assignment create --scope '<resource id of the account behind https://north.example/openai>'";

interface Case {
  readonly answer: ProbeAnswer;
  readonly works: boolean;
  readonly again: boolean;
  readonly code: string;
  readonly said: RegExp;
}

const answered = (status: number, tries?: string): ProbeAnswer => ({ status, region: null, ...(tries === undefined ? {} : { tries }) });

describe("what a test call has come to", () => {
  test.each<[string, Case]>([
    ["the member's 200", { answer: answered(200, ",200 North"), works: true, again: true, code: "unavailable", said: /answered 200/ }],
    ["its 201", { answer: answered(201, ",201"), works: true, again: true, code: "unavailable", said: /answered 201/ }],
    ["its redirect", { answer: answered(302, ",302"), works: false, again: true, code: "unavailable", said: /it answered 302/ }],
    ["its 400", { answer: answered(400, ",400"), works: false, again: true, code: "unavailable", said: /it answered 400/ }],
    [
      "its 401",
      { answer: answered(401, ",401"), works: false, again: true, code: "forbidden", said: /it answered 401.*az role assignment create/ },
    ],
    ["its 403", { answer: answered(403, ",403 North"), works: false, again: true, code: "forbidden", said: /it answered 403/ }],
    [
      "its 404",
      { answer: answered(404, ",404"), works: false, again: false, code: "not_found", said: /it answered 404.*AIGW_PROBE_DEPLOYMENT/ },
    ],
    ["its 429", { answer: answered(429, ",429"), works: false, again: true, code: "unavailable", said: /it answered 429.*no capacity/ }],
    ["its 500", { answer: answered(500, ",500"), works: false, again: true, code: "unavailable", said: /it answered 500/ }],
    [
      "its 503, of which a policy makes 200",
      { answer: answered(200, ",503"), works: false, again: true, code: "unavailable", said: /it answered 503/ },
    ],
    [
      "its 200, of which a policy makes 500",
      {
        answer: answered(500, ",200"),
        works: false,
        again: true,
        code: "unavailable",
        said: /it answered 200, of which a policy makes 500/,
      },
    ],
    [
      "none of it",
      { answer: answered(500, ","), works: false, again: true, code: "unavailable", said: /no connection to it.*north\.example/ },
    ],
    [
      "a 200 without its mark",
      { answer: answered(200), works: false, again: true, code: "unavailable", said: /gateway itself answered 200/ },
    ],
    ["an empty mark", { answer: answered(200, ""), works: false, again: true, code: "unavailable", said: /gateway itself answered 200/ }],
    [
      "a path that is not there yet",
      { answer: answered(404), works: false, again: true, code: "unavailable", said: /gateway itself answered 404/ },
    ],
    ["a refused key", { answer: answered(401), works: false, again: false, code: "not_configured", said: /AIGW_PROBE_KEY/ }],
    ["a closed path", { answer: answered(410), works: false, again: true, code: "unavailable", said: /closed the test path.*clock/ }],
    [
      "no answer of the gateway",
      {
        answer: { status: null, region: null, reason: "timeout" },
        works: false,
        again: false,
        code: "unavailable",
        said: /no answer \(timeout\)/,
      },
    ],
  ])("%s", (_, { answer, works, again, code, said }) => {
    const told = toldBy(answer);
    expect(isWorking(told)).toBe(works);
    expect(isWorthAgain(told)).toBe(again);
    const error = notWorking(north, told, [role]);
    expect(error.code).toBe(code);
    expect(`${error.message} ${error.hint}`).toMatch(said);
    expect(error.message).toContain("nothing of the change was written");
    expect(error.hint).toContain("apply_change again");
  });

  test("a member without a command for its role is told of by its URL", () => {
    expect(notWorking(north, toldBy(answered(401, ",401")), []).hint).toContain("the account behind https://north.example/openai");
    expect(notWorking({ backendId: "north", url: null }, toldBy(answered(404, ",404")), []).hint).toContain("its URL");
  });
});
