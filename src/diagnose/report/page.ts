import type { Cost } from "../../usage/governance/costs.ts";
import type { Throttled } from "../../usage/governance/traffic.ts";
import type { UsageReport } from "../../usage/report.ts";
import type { CacheUse, Known } from "../../usage/totals.ts";
import type { GovernanceReport, ReportedDrill } from "./report.ts";
import type { ReportedTeam } from "./teams.ts";
import { grouped, inPage, minuteOf, nameInPage } from "./text.ts";

/** What is beyond these is counted. */
const mostTeams = 40;
const mostQuiet = 20;
const mostEntries = 5;
const mostNotes = 6;

/**
 * The report as markdown for a page. At most 40 teams have a row of their own, those behind them one together. Everything that nobody knows is
 * `unknown`; times are UTC.
 */
export function pageOf(service: string, report: GovernanceReport): string {
  const { since, until } = report.traffic.window;
  return [
    `# AI gateway ${inPage(service)}: ${minuteOf(since)} to ${minuteOf(until)} UTC`,
    `Changes are against the same length of time before. ${sourceOf(report)}${loggedPart(report)}`,
    totalsTable(report),
    ...section("Teams", teamsTable(report)),
    ...section("Failovers and drills", failoverLines(report)),
    ...section("Changes through this server", changeLines(report)),
    ...section("Findings", findingLines(report)),
    ...section("Notes", noteLines(report)),
  ].join("\n\n");
}

const section = (title: string, content: string): readonly string[] => [`## ${title}`, content];

const sourceOf = ({ traffic }: GovernanceReport): string =>
  `Source: ${traffic.now.sources.map(({ name, newest }) => `${name}${newest === undefined ? "" : `, newest ${minuteOf(newest)}`}`).join("; ")}.`;

/** That the logs are not of all calls, where platform metrics say so. */
const loggedPart = ({ traffic: { now } }: GovernanceReport): string =>
  now.counted === undefined
    ? ""
    : ` **The logs hold ${said(now.totals.requests)} of the ${grouped(now.counted)} calls that platform metrics count: tokens, teams and causes are of those alone.**`;

type Cells = readonly string[];

function table(headers: Cells, rows: readonly Cells[]): string {
  const line = (cells: Cells): string => `| ${cells.join(" | ")} |`;
  return [line(headers), `|${headers.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

const said = (value: Known): string => (value === "unknown" ? value : grouped(value));

/** `+12 %`; `new` where there was nothing before. */
function changeOf(before: Known, now: Known): string {
  if (before === "unknown" || now === "unknown") return "unknown";
  if (before === 0) return now === 0 ? "0 %" : "new";
  const change = (100 * (now - before)) / before;
  const percent = Math.round(change);
  // What is left is not nothing.
  if (percent === -100 && now > 0) return `${Math.max(-99.9, Math.round(10 * change) / 10)} %`;
  return `${percent > 0 ? "+" : ""}${percent} %`;
}

function totalsTable({ traffic: { now, earlier, costs } }: GovernanceReport): string {
  const [totals, before] = [now.totals, earlier.totals];
  const sameSource = now.sources[0]?.name === earlier.sources[0]?.name && before.requests !== 0;
  const comparable = sameSource && isWhole(now, earlier);
  const change = (from: Known, to: Known): string => (comparable ? changeOf(from, to) : "unknown");
  const [counted, countedBefore] = [now.counted ?? totals.requests, earlier.counted ?? before.requests];
  const throttled = totals.throttled.by_origin.map(({ origin, requests }) => [origin, requests] as const);
  const errors = totals.errors.by_cause.map(({ cause, requests }) => [cause, requests] as const);
  return table(
    ["", "", "change"],
    [
      [
        "Requests",
        now.counted === undefined ? said(totals.requests) : `${grouped(now.counted)} (${said(totals.requests)} in the logs)`,
        sameSource ? changeOf(countedBefore, counted) : "unknown",
      ],
      ["Tokens", said(totals.tokens), change(before.tokens, totals.tokens)],
      ["Throttled", withParts(totals.throttled.total, throttled), change(before.throttled.total, totals.throttled.total)],
      ["Errors", withParts(totals.errors.total, errors), change(before.errors.total, totals.errors.total)],
      ["Cache hit rate", hitRate(totals.cache), `before: ${comparable ? hitRate(before.cache) : "unknown"}`],
      [
        "Tokens saved by the cache",
        totals.cache === undefined ? "unknown" : `${said(totals.cache.tokens_saved)} (${totals.cache.method})`,
        "",
      ],
      ...(costs === null ? [] : [[`Cost${inCurrency(costs.currency)}`, costText(costs.total), ""]]),
    ],
  );
}

/** Whether the logs of both windows have as many calls as platform metrics count. */
const isWhole = (...windows: readonly Pick<UsageReport, "counted">[]): boolean => windows.every(({ counted }) => counted === undefined);

const withParts = (total: Known, parts: readonly (readonly [string, number])[]): string =>
  parts.length === 0 ? said(total) : `${said(total)} (${partsText(parts)})`;

/** `1,200 token-rate-limit, 34 backend:429`: what the gateway does by itself goes without saying. */
const partsText = (parts: readonly (readonly [string, number])[]): string =>
  parts.map(([name, count]) => `${grouped(count)} ${name.replace(/^gateway:/, "")}`).join(", ");

/** By the surest sign of a hit that the logs have: the policy's own trace, or that no backend was called. */
function hitRate(cache: CacheUse | undefined): string {
  const signs = cache?.estimators ?? {};
  const trace = signs["trace semantic-cache"];
  const [sign, used] =
    trace !== undefined && trace.hits + trace.misses > 0 ? ["trace", trace] : ["no backend call", signs["no backend call"]];
  if (used === undefined || used.hit_rate === "unknown") return "unknown";
  return `${used.hit_rate} % (by ${sign})`;
}

const inCurrency = (currency: string | null): string => (currency === null ? "" : `, ${inPage(currency)}`);

function costText({ amount, atLeast }: Cost): string {
  if (amount === "unknown") return amount;
  const [whole = "", cents = "00"] = amount.toFixed(2).split(".");
  const text = amount > 0 && amount < 0.005 ? "<0.01" : `${grouped(Number(whole))}.${cents}`;
  return atLeast ? `at least ${text}` : text;
}

function teamsTable({ teams: { teams }, traffic: { costs, now, earlier } }: GovernanceReport): string {
  const comparable = isWhole(now, earlier);
  const active = teams.filter(({ requests }) => requests !== 0);
  const quiet = teams.filter(({ requests }) => requests === 0);
  const rest = active.slice(mostTeams);
  const headers = ["Team", "Tokens", "Change", "% of TPM limit (p95)", "Throttled", ...(costs === null ? [] : ["Cost"])];
  const rows = active
    .slice(0, mostTeams)
    .map((team) => [
      nameInPage(team.name),
      said(team.tokens),
      comparable ? changeOf(team.tokensBefore, team.tokens) : "unknown",
      shareText(team),
      throttledText(team.throttled),
      ...(team.cost === null ? [] : [costText(team.cost)]),
    ]);
  return [
    active.length === 0
      ? "No team has made a call."
      : table(headers, rest.length === 0 ? rows : [...rows, restRow(rest, comparable, costs !== null)]),
    ...Object.entries(doubts).map(([doubt, { mark, why }]) =>
      active.slice(0, mostTeams).some((team) => team.doubt === doubt) ? `${mark} ${why}` : "",
    ),
    quiet.length === 0
      ? ""
      : `No calls: ${listed(
          quiet.map(({ name }) => nameInPage(name)),
          mostQuiet,
        )}.`,
    rest.length === 0 ? "" : "list_subscriptions with usage shows every team.",
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** What a share with such a mark is not. */
const doubts = {
  written: { mark: "†", why: "Of the limit as it is now: what holds it was changed in this window." },
  beyond: {
    mark: "‡",
    why: "More than the limit lets through: it was higher for a part of this time, or does not count all of these calls.",
  },
} as const;

const shareText = ({ share, doubt }: ReportedTeam): string =>
  typeof share !== "number" ? share : `${grouped(share)}${doubt === null ? "" : ` ${doubts[doubt].mark}`}`;

function restRow(rest: readonly ReportedTeam[], comparable: boolean, priced: boolean): Cells {
  const tokens = rest.map((team) => team.tokens);
  const throttled = rest.map((team) =>
    team.throttled === "unknown" ? "unknown" : team.throttled.reduce((sum, [, count]) => sum + count, 0),
  );
  const costs = rest.flatMap(({ cost }) => (cost === null ? [] : [cost]));
  const cost = { amount: sumOf(costs.map(({ amount }) => amount)), atLeast: costs.some(({ atLeast }) => atLeast) };
  return [
    `${rest.length} others`,
    said(sumOf(tokens)),
    comparable ? changeOf(sumOf(rest.map(({ tokensBefore }) => tokensBefore)), sumOf(tokens)) : "unknown",
    "",
    said(sumOf(throttled)),
    ...(priced ? [costText(cost)] : []),
  ];
}

const sumOf = (values: readonly Known[]): Known =>
  values.reduce<Known>((sum, value) => (sum === "unknown" || value === "unknown" ? "unknown" : sum + value), 0);

const throttledText = (throttled: Throttled | "unknown"): string =>
  throttled === "unknown" ? throttled : throttled.length === 0 ? "0" : partsText(throttled);

/** The first few, and how many more there are. */
function listed(names: readonly string[], most: number): string {
  const left = names.length - most;
  return left > 0 ? `${names.slice(0, most).join(", ")} and ${left} more` : names.join(", ");
}

/** As lines of a list; `none` where there are none. */
function entries(lines: readonly string[], none: string, more: string): string {
  if (lines.length === 0) return none;
  const left = lines.length - mostEntries;
  return [...lines.slice(0, mostEntries).map((line) => `- ${line}`), ...(left > 0 ? [`- ${left} more${more}`] : [])].join("\n");
}

/** `2026-11-20 10:02 to 10:07`. */
function spanText(from: string, until: string): string {
  const [first, last] = [minuteOf(from), minuteOf(until)];
  return `${first} to ${first.slice(0, 10) === last.slice(0, 10) ? last.slice(11) : last}`;
}

function failoverLines({ traffic: { failovers }, drills }: GovernanceReport): string {
  const seen = (failovers ?? []).map(({ apiId, usual, others, from, until, requests }) => {
    const who = others.map(nameInPage).join(", ");
    const drilled = drills.some(({ window }) => window !== null && window.from < until && window.until > from);
    return `${spanText(from, until)}: ${who} answered API ${nameInPage(apiId)} in the place of ${nameInPage(usual)} (${grouped(requests)} calls)${drilled ? ", during a drill" : ""}`;
  });
  const shifts =
    failovers === null ? "Failovers: unknown." : entries(seen.toReversed(), "No failover is seen in the logs.", " before these");
  return [shifts, drills.length === 0 ? "No drill was run through this server." : entries(drills.map(drillLine), "", "")].join("\n");
}

const drillLine = ({ drill, state, window, verdict }: ReportedDrill): string =>
  `Drill${window === null ? "" : ` ${spanText(window.from, window.until)}`}: ${inPage(drill)}: ${verdict === null ? `${inPage(state)}, verdict unknown` : inPage(verdict)}`;

function changeLines({ changes, leftOut }: GovernanceReport): string {
  if (changes === "unknown") return "Unknown: the journal cannot be read.";
  const lines = changes.map(
    ({ time, tool, summary, state }) => `${minuteOf(time)} ${tool}: ${inPage(summary, 120)}${state === "applied" ? "" : ` (${state})`}`,
  );
  const older = leftOut === 0 ? "" : `\n- ${leftOut} older not looked at`;
  return `${entries(lines, "None by this user.", ": list_changes shows them")}${older}`;
}

function findingLines({ findings }: GovernanceReport): string {
  if (findings === null) return "Unknown: the checks could not be made.";
  const lines = findings.problems.map(({ check, seen, means }) => `${check}: ${inPage(seen)} ${inPage(means, 90)}`);
  const unknown = [...new Set(findings.unknown.flatMap(({ checks }) => checks))];
  return [
    entries(lines, "Nothing was found.", ": diagnose_gateway shows them"),
    unknown.length === 0 ? "" : `Not checked: ${listed(unknown, 8)}.`,
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function noteLines({ notes, teams, traffic: { costs, now } }: GovernanceReport): string {
  const all = [
    ...notes,
    ...teams.notes,
    ...now.missing.map(({ what }) => what),
    ...(costs === null ? ["No prices are set (AIGW_PRICES): cost is unknown."] : costNotes(costs)),
    "Changes are those of the user of this server.",
  ];
  const lines = [...new Set(all.map((note) => inPage(note, 200)))];
  const left = lines.length - mostNotes;
  return [...lines.slice(0, mostNotes), ...(left > 0 ? [`${left} more notes.`] : [])].map((line) => `- ${line}`).join("\n");
}

const costNotes = ({ unpriced }: NonNullable<GovernanceReport["traffic"]["costs"]>): readonly string[] => [
  "Cost is logged tokens of calls to backends, by the prices in AIGW_PRICES: no discounts, no provisioned capacity.",
  ...(unpriced.length === 0
    ? []
    : [
        `No price for ${listed(
          unpriced.map(({ model, tokens }) => `${model} (${grouped(tokens)} tokens)`),
          3,
        )}: their cost is unknown.`,
      ]),
];
