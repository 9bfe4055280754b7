import { type Prices, priceOf } from "../../gateway/prices.ts";
import { groupsBy } from "../groups.ts";
import type { LogsRow } from "../queries/query.ts";
import type { spendingQuery } from "../queries/spending.ts";
import type { Known } from "../totals.ts";

type SpendingRow = LogsRow<ReturnType<typeof spendingQuery>["measures"]>;

/** What tokens have cost by the operator's prices. */
export interface Cost {
  readonly amount: Known;
  /** Whether there is more that no price is known for. */
  readonly atLeast: boolean;
}

/** Costs of one window. */
export interface Costs {
  readonly currency: string | null;
  readonly total: Cost;
  /** Of the subscription with this id: 0 where none of its tokens were billed. */
  of(subscriptionId: string): Cost;
  /** Models without a price, and the tokens that they have taken; most first. */
  readonly unpriced: readonly { readonly model: string; readonly tokens: number }[];
}

const unknownCost: Cost = { amount: "unknown", atLeast: false };

/** Null without prices. Without a row of any tokens no cost is known. */
export function costsOf(rows: readonly SpendingRow[] | null, prices: Prices | null): Costs | null {
  if (prices === null) return null;
  if (rows === null || rows.length === 0) return { currency: prices.currency, total: unknownCost, of: () => unknownCost, unpriced: [] };
  const bySubscription = groupsBy(rows, ({ keys }) => keys.subscription?.toLowerCase() ?? "");
  const unpriced = rows.filter(({ keys }) => priceOf(prices, keys.model ?? "") === null);
  return {
    currency: prices.currency,
    total: costOf(rows, prices),
    of: (subscriptionId) => costOf(bySubscription.get(subscriptionId.toLowerCase()) ?? [], prices),
    unpriced: [...groupsBy(unpriced, ({ keys }) => keys.model ?? "")]
      .map(([model, group]) => ({ model, tokens: group.reduce((sum, row) => sum + tokensIn(row), 0) }))
      .filter(({ tokens }) => tokens > 0)
      .toSorted((a, b) => b.tokens - a.tokens || a.model.localeCompare(b.model)),
  };
}

const tokensIn = ({ values }: SpendingRow): number => (values.Prompt ?? 0) + (values.Completion ?? 0);

function costOf(rows: readonly SpendingRow[], prices: Prices): Cost {
  const costs = rows
    .filter((row) => tokensIn(row) > 0)
    .map(({ keys, values }) => {
      const price = priceOf(prices, keys.model ?? "");
      return price === null ? null : ((values.Prompt ?? 0) * price.prompt + (values.Completion ?? 0) * price.completion) / 1e6;
    });
  const known = costs.filter((cost) => cost !== null);
  if (known.length === 0 && costs.length > 0) return unknownCost;
  return { amount: known.reduce((sum, cost) => sum + cost, 0), atLeast: known.length < costs.length };
}
