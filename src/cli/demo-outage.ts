import { expect, step, type Tour } from "./demo-tour.ts";
import type { Answered } from "./demo-traffic.ts";

const callsPerMinute = 12;
const betweenCallsMs = 60_000 / callsPerMinute;

/** What the team sees of the outage. */
export const outageErrors = 2;

/** East US before, while and after every request there gets a 500. */
const minutes = ["up", "down", "down", "up again", "up again", "up again", "up again", "up again"] as const;

/**
 * A team's calls, minute by minute, while East US goes down and comes back. The breaker counts five failures of East US before it opens; the policy
 * tries each call twice: two callers see both of their attempts fail, the third one's second attempt goes to West Europe. Only when the breaker's
 * five minutes are over does the gateway ask East US again, however long it has been well.
 */
export async function loseRegion(tour: Tour): Promise<void> {
  const { traffic, clock, page, say } = tour;
  step(tour, "6. The real thing: East US goes down for two minutes, every request there gets a 500; prod-critical calls every 5 seconds");
  await traffic.reset();
  clock.skip(60_000 - (clock.now().getTime() % 60_000));
  const rows: { readonly time: string; readonly eastUs: string; readonly calls: readonly Answered[] }[] = [];
  let opened: readonly string[] = [];
  for (const [minute, eastUs] of minutes.entries()) {
    const time = clock.now().toISOString().slice(11, 16);
    if (eastUs !== minutes[minute - 1]) {
      if (eastUs === "down") await traffic.script("aoai-eastus", { kind: "status", status: 500 });
      else await traffic.clear();
    }
    rows.push({ time, eastUs, calls: await minuteOf(tour) });
    if (opened.length === 0) opened = await traffic.openBreakers();
  }
  say(
    page.table(
      ["minute", "East US", "calls", "East US", "West Europe", "errors"],
      rows.map(({ time, eastUs, calls }) => [
        time,
        eastUs,
        calls.map(signOf).join(""),
        sharePercent(calls, "E"),
        sharePercent(calls, "W"),
        calls.filter((call) => signOf(call) === "x").length,
      ]),
    ),
  );
  say("  E: answered by East US, W: by West Europe, x: the caller got an error");
  say(`\n  The breaker opened: ${opened.join(", ")}.`);
  say(
    "  Two callers saw an error before the traffic shifted; with more retries it would be fewer. East US was well again three minutes before",
  );
  say("  the gateway asked it: a shorter trip_duration brings it back sooner, and tries a region that is still down more often.");
  const course = rows.map(({ calls }) => calls.map(signOf).join("")).join("");
  expect(
    new RegExp(`^E{12}x{${outageErrors}}W{58,62}E{20,24}$`).test(course),
    `${outageErrors} errors, West Europe for five minutes, then East US: ${course}`,
  );
}

/** One minute of calls. */
async function minuteOf({ traffic, clock }: Tour): Promise<readonly Answered[]> {
  const calls: Answered[] = [];
  while (calls.length < callsPerMinute) {
    calls.push(...(await traffic.ask("prod-critical", 1)));
    clock.skip(betweenCallsMs);
  }
  return calls;
}

type Sign = "E" | "W" | "x" | "?";

function signOf({ status, region }: Answered): Sign {
  if (status >= 400) return "x";
  return region === "East US" ? "E" : region === "West Europe" ? "W" : "?";
}

const sharePercent = (calls: readonly Answered[], sign: Sign): string =>
  `${Math.round((100 * calls.filter((call) => signOf(call) === sign).length) / calls.length)} %`;
