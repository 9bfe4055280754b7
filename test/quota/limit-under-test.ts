import type { Element } from "../../src/policy/document.ts";
import type { Limit } from "../../src/quota/limit.ts";
import { own } from "./gateway-under-test.ts";

/** A limit as the finder tells it: 1000 tokens per minute of team `growth` alone, in the policy of product `aoai`, as far as a test says nothing else. */
export function limitOn(element: Element, more: Partial<Limit> = {}): Limit {
  const { document = "products/aoai/policies/policy", line = 3 } = more;
  return {
    limitId: "products/aoai#tpm/1",
    kind: "tpm",
    amount: { status: "value", value: 1000 },
    conditions: [],
    counterKey: own,
    counterGroup: new Set(["growth"]),
    numberGroup: new Set(["growth"]),
    gateways: 1,
    document,
    line,
    element,
    number: { document, line, element, origin: null },
    scope: "product 'aoai'",
    apiIds: null,
    operations: null,
    operationsOnly: false,
    accounting: false,
    editable: true,
    ...more,
  };
}
