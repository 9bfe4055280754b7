import { sameName, type Tier } from "../gateway/model.ts";
import type { Member } from "./backend.ts";
import type { ApiRoutes, Route } from "./routes.ts";
import { worstCaseText } from "./worst-case.ts";

/** A change of a pool, as far as its traffic goes. */
export interface Reshaped {
  readonly before: ApiRoutes;
  readonly after: ApiRoutes;
  readonly poolId: string | null;
  /** What went before to where the pool stands then; left out where there was the pool. */
  readonly from: Route | undefined;
  /** The pool's members then; null where there is no pool. */
  readonly members: readonly Member[] | null;
  readonly tier: Tier;
}

/** Sentences on what a change does to the traffic: shares before and after, the worst case, and what nobody knows here. */
export function outlook({ before, after, poolId, from, members, tier }: Reshaped): readonly string[] {
  if (members === null) return [];
  const were = membersBefore(before, poolId, from);
  const [had, have] = [shareText(were), shareText(members)];
  const worst = worstCaseText(members, after.retry, tier);
  return [
    had === have ? `Shares stay: ${have}.` : `Shares now: ${had}; then: ${have}.`,
    ...(worst === null ? [] : [worst]),
    ...(worst === null || had === have ? [] : [capacityUnknown]),
  ];
}

/** No reading of ours goes to the accounts behind the backends. */
const capacityUnknown =
  "Whether the others can carry all of it (TPM) and serve the same model versions: unknown; az cognitiveservices account deployment list, with Reader on each account, shows both, get_metrics the peak.";

function membersBefore(
  { routes }: ApiRoutes,
  poolId: string | null,
  from: Route | undefined,
): readonly Pick<Member, "backendId" | "share">[] {
  const route = from ?? routes.find(({ backendId }) => backendId !== null && poolId !== null && sameName(backendId, poolId));
  if (route === undefined) return [];
  return route.backendId === null ? [{ backendId: route.url ?? "its URL", share: 100 }] : route.members;
}

const shareText = (members: readonly Pick<Member, "backendId" | "share">[]): string =>
  members.length === 0 ? "none" : members.map(({ backendId, share }) => `${backendId} ${share} %`).join(", ");
