import { sameName, type Tier } from "../gateway/model.ts";
import type { Behind } from "./account-tokens.ts";
import type { Member } from "./backend.ts";
import { capacityText, type Endpoint, type Load } from "./capacity.ts";
import { bareMembers } from "./credentials.ts";
import { flawsOf } from "./flaws.ts";
import { modelFindings } from "./model-findings.ts";
import type { ApiRoutes, Route } from "./routes.ts";
import { unknownText } from "./served.ts";
import { carriersOf, worstCaseText } from "./worst-case.ts";

/** A change of a pool, as far as its traffic goes. */
interface Reshaped {
  readonly before: ApiRoutes;
  readonly after: ApiRoutes;
  readonly poolId: string | null;
  /** What went before to where the pool stands then; left out where there was the pool. */
  readonly from: Route | undefined;
  /** The pool's members then; null where there is no pool. */
  readonly members: readonly Member[] | null;
  readonly tier: Tier;
  readonly behind: Behind;
}

interface Outlook {
  readonly sentences: readonly string[];
  readonly warnings: readonly string[];
}

/** What a change does to the traffic: shares before and after, the worst case, who could carry it then, and by which models. */
export function outlook({ before, after, poolId, from, members, tier, behind }: Reshaped): Outlook {
  if (members === null) return { sentences: [], warnings: [] };
  const were = endpointsBefore(before, poolId, from);
  const [had, have] = [shareText(were), shareText(members)];
  const worst = worstCaseText(members, after.retry, tier, flawsOf(members, after.signedIn, behind.served));
  const loads = endpointsKey(were) === endpointsKey(members) ? [] : loadsThen(were, members, after, tier);
  const capacity = loads.map((load) => capacityText(load, behind));
  const untold = newcomers(were, members).filter((member) => !loads.some(({ carriers }) => carriers.includes(member)));
  return {
    sentences: [
      had === have ? `Shares stay: ${have}.` : `Shares now: ${had}; then: ${have}.`,
      ...(worst === null ? [] : [worst]),
      // The worst case is the one to know; as it usually is where there is none.
      ...capacity.slice(-1).map(({ text }) => text),
      ...unknownText(untold, behind.served).map((text) => `Models unknown ${text}.`),
    ],
    warnings: [
      ...bareWarnings(after, newcomers(were, members), members),
      ...modelWarnings(after.apiId, poolId ?? "the pool", were, members, behind),
      ...capacity.flatMap(({ warnings }) => warnings),
    ],
  };
}

/** New members that send no credential, beside others that do. */
const bareWarnings = ({ signedIn }: ApiRoutes, isNew: readonly Member[], members: readonly Member[]): readonly string[] =>
  bareMembers(members, signedIn)
    .filter((member) => isNew.includes(member))
    .map(
      ({ backendId }) =>
        `'${backendId}' sends no credential, other members do, and no policy signs in every call: calls that it gets are not authenticated. Give it credentials: managed_identity: true, or by hand.`,
    );

/** The endpoints between which a change moves traffic, now and then; none where it stays where it is. */
export function movedEndpoints(
  before: ApiRoutes,
  poolId: string | null,
  from: Route | undefined,
  members: readonly Member[] | null,
): readonly Endpoint[] {
  const were = endpointsBefore(before, poolId, from);
  return members === null || endpointsKey(were) === endpointsKey(members) ? [] : [...were, ...members];
}

/** Where calls go, as far as a capacity depends on it. */
const endpointsKey = (members: readonly EndpointBefore[]): string =>
  JSON.stringify(members.map(({ backendId, url, share }) => [backendId, url, share]));

/** As usual, and then in the worst case where someone takes over. */
function loadsThen(were: readonly EndpointBefore[], members: readonly Member[], { retry }: ApiRoutes, tier: Tier): readonly Load[] {
  const sources = were.filter(({ share }) => share > 0);
  const usual = { when: "As usual", sources, carriers: members.filter(({ share }) => share > 0) };
  const takeOver = carriersOf(members, retry, tier);
  return takeOver === null ? [usual] : [usual, { when: `If ${takeOver.failing.backendId} fails`, sources, carriers: takeOver.carriers }];
}

const newcomers = (were: readonly EndpointBefore[], members: readonly Member[]): readonly Member[] =>
  members.filter(({ backendId, url }) => !were.some((member) => member.backendId === backendId && member.url === url));

/** What the change itself brings behind the pool: callers of it cannot see which model has answered. */
function modelWarnings(
  apiId: string,
  backendId: string,
  were: readonly EndpointBefore[],
  members: readonly Member[],
  { served }: Behind,
): readonly string[] {
  const isNew = newcomers(were, members);
  const known = members.filter((member) => !isNew.includes(member));
  const before = new Set(modelFindings({ apiId, backendId, members: known, served }).map(({ text }) => text));
  return modelFindings({ apiId, backendId, members, served })
    .filter(({ text }) => !before.has(text))
    .map(({ text, fix }) => `${text} ${fix}`);
}

/** A member as it was, or the URL that an API went to. */
type EndpointBefore = Endpoint & Pick<Member, "share">;

function endpointsBefore({ routes }: ApiRoutes, poolId: string | null, from: Route | undefined): readonly EndpointBefore[] {
  const route = from ?? routes.find(({ backendId }) => backendId !== null && poolId !== null && sameName(backendId, poolId));
  if (route === undefined) return [];
  return route.backendId === null ? [{ backendId: route.url ?? "its URL", url: route.url, share: 100 }] : route.members;
}

const shareText = (members: readonly EndpointBefore[]): string =>
  members.length === 0 ? "none" : members.map(({ backendId, share }) => `${backendId} ${share} %`).join(", ");
