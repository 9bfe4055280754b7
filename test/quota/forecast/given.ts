import type { PastRequest, RequestHistory } from "../../../src/gateway/past-requests.ts";
import { descendants, parse } from "../../../src/policy/document.ts";
import type { Limit, LimitKind } from "../../../src/quota/limit.ts";
import { limitOn } from "../limit-under-test.ts";

/** A limit as the finder answers it, for one team alone, of the element that is given. */
export function limitOf(
  kind: LimitKind,
  value: number,
  more: Partial<Limit> = {},
  xml = '<llm-token-limit estimate-prompt-tokens="false" />',
): Limit {
  const { root } = parse(`<policies><inbound>${xml}</inbound></policies>`);
  const element = [...(root === null ? [] : descendants(root))].find(({ name }) => /limit/.test(name));
  if (element === undefined) throw new Error(`no limit in ${xml}`);
  return limitOn(element, {
    limitId: `apis/llm#${kind}/1`,
    kind,
    amount: { status: "value", value },
    counterGroup: new Set(["team"]),
    numberGroup: new Set(["team"]),
    document: "apis/llm/policies/policy",
    line: 1,
    scope: "API 'llm'",
    ...more,
  });
}

export const midnight = Date.parse("2026-11-20T00:00:00Z");

/** A request that starts so many seconds after midnight and takes no time, as far as a test says nothing else. */
export function request(
  seconds: number,
  total: number | null,
  more: Partial<PastRequest> & { readonly prompt?: number } = {},
): PastRequest {
  const { prompt = 0, ...rest } = more;
  const start = midnight + seconds * 1000;
  return {
    start,
    end: start,
    tokens: total === null ? null : { prompt, total },
    streamed: false,
    deployment: "gpt-4o",
    apiId: "llm",
    region: "East US",
    served: total !== null,
    refusedBy: null,
    ...rest,
  };
}

export const historyOf = (requests: readonly PastRequest[] | null, hours: number, more: Partial<RequestHistory> = {}): RequestHistory => ({
  since: new Date(midnight),
  until: new Date(midnight + hours * 3_600_000),
  requests,
  metered: requests !== null,
  minuteTokens: null,
  minuteCalls: null,
  incomplete: false,
  notes: [],
  gap: null,
  ...more,
});
