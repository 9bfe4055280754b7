import { expect } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { loadGrammar } from "../../src/grammar.ts";
import { itemBackendId, poolItems } from "../../src/pool/backend.ts";
import { type PoolEdit, planPool } from "../../src/pool/plan.ts";
import type { PoolRequest } from "../../src/pool/request.ts";
import { breaker, inventoryOf, live, type Parts, policy, pool, resourceId, single } from "./service.ts";

export const csharp = await loadGrammar();
export const api = "apis/chat/policies/policy";
export const to = (backendId: string) => policy(`<set-backend-service backend-id="${backendId}" />`);
export const east = { id: `${resourceId}/backends/east`, priority: 1 };

/** An API `chat` that goes to `aoai`, a pool of `east`; `west` exists and stands aside. */
export const parts: Parts = {
  backends: {
    east: single("https://east.example/openai", breaker()),
    west: single("https://west.openai.azure.com/openai"),
    aoai: pool([east]),
  },
  policies: { [api]: to("aoai") },
};

export function plan(request: Omit<PoolRequest, "api_id">, over: Parts = {}): PoolEdit {
  const inventory = inventoryOf({ ...parts, ...over });
  return planPool(inventory, csharp, live(inventory.backends), { api_id: "chat", ...request });
}

export const ids = (edit: PoolEdit) => edit.documents.map(({ id }) => id);

/** What the edit makes of a document. */
export const written = (edit: PoolEdit, id: string): JsonObject => edit.documents.find((document) => document.id === id)?.after ?? {};

export const services = (edit: PoolEdit) => poolItems(written(edit, "backends/aoai"));

/** A pool of these entries, of which each has a backend with a breaker. */
export const poolOf = (...items: (JsonObject & { id: string })[]): Parts => ({
  backends: {
    ...Object.fromEntries(items.map((item) => [itemBackendId(item), single("https://x.example/", breaker())])),
    new: single("https://new.example/"),
    aoai: pool(items),
  },
});

export function expectFailure(call: () => unknown, code: string, ...texts: string[]): void {
  let failure: unknown;
  try {
    call();
  } catch (error) {
    failure = error;
  }
  expect(failure).toBeInstanceOf(GatewayError);
  if (!(failure instanceof GatewayError)) return;
  expect(failure.code).toBe(code);
  for (const text of texts) expect(`${failure.message} ${failure.hint}`).toContain(text);
}
