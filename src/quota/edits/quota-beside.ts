import type { Inventory } from "../../gateway/inventory.ts";
import { parse } from "../../policy/document.ts";
import { applyEdits, setAttribute } from "../../policy/edit.ts";
import type { Limit } from "../limit.ts";
import type { Way } from "./change-limit.ts";
import { textOf, withText } from "./documents.ts";

/** Adds a token quota to an element that limits tokens per minute, on the key that it has. */
export function quotaBeside(inventory: Inventory, { document, element }: Limit, quota: number, period: string): Way {
  const source = textOf(inventory, document);
  if (source === null) throw new Error(`${document} was not read`);
  const parsed = parse(source);
  const edits = [setAttribute(parsed, element, "token-quota", String(quota)), setAttribute(parsed, element, "token-quota-period", period)];
  return {
    inventory: withText(inventory, document, applyEdits(source, edits)),
    document,
    warnings: [],
    forLater: false,
    counts: "as before",
  };
}
