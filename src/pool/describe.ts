import type { JsonObject } from "../gateway/documents.ts";
import { sameName } from "../gateway/model.ts";
import { affinityCookie, breakerOf, failureStatus, itemBackendId, itemPriority, itemWeight, poolItems } from "./backend.ts";
import { breakerText } from "./breaker.ts";
import { identityOf } from "./managed-identity.ts";
import { defaultErrorReasons, defaultRetryCount, defaultStatusCodes, type RetryInput } from "./request.ts";
import type { Retry } from "./retry.ts";

/** A backend or pool before and after; `before` is null for one that is created. */
export interface BackendEdit {
  readonly backendId: string;
  readonly before: JsonObject | null;
  readonly after: JsonObject;
}

/** What changes in a pool and its members, one part for each: `+ west priority 2, breaker 5 in PT1M open PT5M`. */
export function poolParts(pool: BackendEdit, members: readonly BackendEdit[]): readonly string[] {
  const before = poolItems(pool.before ?? {});
  const after = poolItems(pool.after);
  const removed = before.map(itemBackendId).filter((id) => entryOf(after, id) === undefined);
  const cookie = affinityCookie(pool.after);
  const status = failureStatus(pool.after);
  return [
    ...after.flatMap((item) => {
      const id = itemBackendId(item);
      const known = entryOf(before, id);
      const edit = members.find(({ backendId }) => sameName(backendId, id));
      const words = [
        ...(edit === undefined ? [] : urlWords(edit)),
        ...placeWords("priority", known, item, itemPriority),
        ...placeWords("weight", known, item, itemWeight),
        ...(edit === undefined ? [] : [...regionWords(edit), ...identityWords(edit), ...breakerWords(edit)]),
      ].join(", ");
      if (known === undefined) return [`+ ${id} ${words}`.trimEnd()];
      return words === "" ? [] : [`${id} ${words}`];
    }),
    ...removed.map((id) => `- ${id}`),
    ...(cookie === affinityCookie(pool.before ?? {})
      ? []
      : [cookie === null ? "no session affinity" : `session affinity by cookie ${cookie}`]),
    ...(status === failureStatus(pool.before ?? {}) ? [] : [status === null ? "no failure status" : `failure status ${status}`]),
  ];
}

/** What changes in a backend that stands alone. */
export const backendParts = (edit: BackendEdit): readonly string[] => [
  ...urlWords(edit),
  ...regionWords(edit),
  ...identityWords(edit),
  ...breakerWords(edit),
];

/** What a retry becomes; `known` is the one that is there. */
export function retryText(known: Retry | null, retry: RetryInput | null): string {
  if (retry === null) return "no retry";
  const codes = retry.status_codes ?? (known === null ? defaultStatusCodes : null);
  return `retry ${retry.count ?? known?.count ?? defaultRetryCount}${codes === null ? "" : ` on ${codes.join(",")}`}`;
}

const entryOf = (items: readonly JsonObject[], id: string): JsonObject | undefined =>
  items.find((item) => sameName(itemBackendId(item), id));

function placeWords(
  key: "priority" | "weight",
  before: JsonObject | undefined,
  after: JsonObject,
  read: (item: JsonObject) => number,
): readonly string[] {
  if (before === undefined) return after[key] === undefined ? [] : [`${key} ${read(after)}`];
  return read(before) === read(after) ? [] : [`${key} ${read(before)} -> ${read(after)}`];
}

function urlWords({ before, after }: BackendEdit): readonly string[] {
  if (before?.url === after.url) return [];
  return [before === null ? `at ${after.url}` : `url -> ${after.url}`];
}

function regionWords({ before, after }: BackendEdit): readonly string[] {
  return after.azureRegion === before?.azureRegion ? [] : [`region ${after.azureRegion ?? "-"}`];
}

/** Of an existing backend: a new one is told of in a warning. */
function identityWords({ before, after }: BackendEdit): readonly string[] {
  if (before === null || (identityOf(before) === null) === (identityOf(after) === null)) return [];
  return [identityOf(after) === null ? "no managed identity" : "managed identity"];
}

function breakerWords({ before, after }: BackendEdit): readonly string[] {
  const [known, breaker] = [breakerOf(before ?? {}), breakerOf(after)];
  const text = breakerText(breaker);
  // A new breaker's reasons are the usual ones, or those that the call names.
  const reasons = known === null ? defaultErrorReasons.join() : known.errorReasons.join();
  if (breaker !== null && breaker.errorReasons.join() !== reasons)
    return [`${text} and on ${breaker.errorReasons.join(",") || "no error reason"}`];
  return text === breakerText(known) ? [] : [text];
}
