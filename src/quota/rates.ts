import type { Service } from "../gateway/model.ts";
import { valuesOf } from "./amounts.ts";
import type { Caller } from "./callers.ts";
import type { Counted } from "./limits.ts";
import type { Finder } from "./meetings.ts";

/** Token rates under one key. */
export interface Rates {
  warnings(caller: Caller, counted: readonly Counted[]): readonly string[];
}

interface Met {
  readonly caller: Caller;
  readonly counted: readonly Counted[];
}

const none: Rates = { warnings: () => [] };

/**
 * In v2 tiers one counter takes one rate: "Inconsistent values can cause unpredictable behavior"
 * (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy#usage-notes).
 */
export function ratesOf({ tier }: Service, finder: Finder, met: readonly Met[]): Rates {
  if (tier !== "v2") return none;
  const rates = new Map<string, Map<number, string>>();
  const countersOf = ({ meeting, counters }: Counted, caller: Caller): readonly string[] => {
    const { certain, possible } = meeting.exactKeys.length === 0 ? counters : finder.counters(meeting.limit, meeting.exactKeys, caller);
    return [...certain, ...possible];
  };
  const tokenRates = (counted: readonly Counted[]) =>
    counted.filter(({ meeting: { limit } }) => limit.kind === "tpm" && limit.counter === "tokens");
  for (const { caller, counted } of met) {
    for (const one of tokenRates(counted)) {
      for (const counter of countersOf(one, caller)) {
        const known = rates.get(counter) ?? new Map<number, string>();
        for (const value of valuesOf(one.meeting.amount)) known.set(value, known.get(value) ?? one.meeting.limitId);
        rates.set(counter, known);
      }
    }
  }
  return {
    warnings(caller, counted) {
      const found = tokenRates(counted).flatMap((one) =>
        countersOf(one, caller).flatMap((counter) => {
          const values = [...(rates.get(counter) ?? [])].toSorted(([a], [b]) => a - b);
          if (values.length < 2) return [];
          const list = values.map(([value, limitId]) => `${value} (${limitId})`).join(", ");
          return [`One counter has several tokens-per-minute: ${list}. In v2 tiers that may behave in unpredictable ways.`];
        }),
      );
      return [...new Set(found)];
    },
  };
}
