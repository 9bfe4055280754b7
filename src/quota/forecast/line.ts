import type { Forecast } from "./requests.ts";

const percent = (share: number): string => `${Math.round(share * 1000) / 10}`;

/** One or two sentences for people. */
export function forecastLine({ status, reason, fix, window, requests, before, after, lower_bound, upper_bound, notes }: Forecast): string {
  if (status === "unknown" || after === undefined || window === undefined) {
    return `Forecast: unknown. ${(reason ?? "").replace(/\s+/g, " ")}${fix === undefined ? "" : ` To get it: \`${fix}\``}`;
  }
  const { refused_share, interval, worst_hour, tokens_turned_away } = after;
  const of = requests === undefined ? "minutes" : `${requests.toLocaleString("en-US")} requests`;
  const parts = [
    `${before === undefined ? "" : `${percent(before.refused_share)} % refused before, `}${percent(refused_share)} % after${
      interval === undefined ? "" : ` (${percent(interval[0])}-${percent(interval[1])} %)`
    }`,
    ...(worst_hour === undefined ? [] : [`worst hour ${worst_hour.start} ${percent(worst_hour.share)} %`]),
    ...(tokens_turned_away === undefined || tokens_turned_away === 0 ? [] : [`${shortNumber(tokens_turned_away)} tokens turned away`]),
  ];
  const bounds = `${lower_bound === true ? " At least that." : ""}${upper_bound === true ? " At most that." : ""}`;
  return `Forecast from ${of} of ${spanOf(window)}: ${parts.join(", ")}.${bounds}${notes.map((note) => ` ${note}`).join("")}`;
}

/** `7 days`, `5 hours`. */
function spanOf({ since, until }: NonNullable<Forecast["window"]>): string {
  const hours = Math.round((Date.parse(until) - Date.parse(since)) / 3_600_000);
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
}

const shortNumber = (amount: number): string =>
  amount >= 1e6 ? `${Math.round(amount / 1e5) / 10} M` : Math.round(amount).toLocaleString("en-US");
