import { sameName } from "../gateway/model.ts";
import { backendIdOf, sameUrl } from "./backend.ts";
import { type Choice, mergeTargets } from "./choices.ts";
import type { Conversion } from "./conversion.ts";
import type { Route } from "./routes.ts";
import type { Target } from "./target.ts";
import type { Way } from "./ways.ts";

/** Whether a choice is the one that a route is made of. */
export function leadsTo({ backendId, url, expression }: Target, route: Pick<Route, "backendId" | "url" | "expression">): boolean {
  if (expression !== route.expression) return false;
  if (route.backendId !== null) return backendId !== null && sameName(backendId, route.backendId);
  return url !== null && route.url !== null && sameUrl(url, route.url);
}

/** Whether calls on a way end elsewhere, or under other conditions, than on another. */
const goesElsewhere = (before: Way | undefined, after: Way | undefined): boolean => shown(before) !== shown(after);

/**
 * The ways that change although they should not: of the converted API those on which anything but the pool takes the place of what it stands
 * for, of the other APIs all that change.
 */
export function movedOtherwise(before: readonly Way[], after: readonly Way[], apiId: string, { from, pool }: Conversion): readonly Way[] {
  const poolId = backendIdOf(pool.id);
  const isPool = ({ backendId }: Target) => backendId !== null && sameName(backendId, poolId);
  const alike = (way: Way | undefined): Way | undefined =>
    way === undefined || way.apiId !== apiId
      ? way
      : {
          ...way,
          choices: way.choices.map((choice) => (isPool(choice.target) || leadsTo(choice.target, from) ? converted(choice) : choice)),
        };
  return changedWays(before, after)
    .filter(([was, is]) => goesElsewhere(alike(was), alike(is)))
    .flatMap(([was, is]) => was ?? is ?? []);
}

const converted = (choice: Choice): Choice => ({
  ...choice,
  target: { kind: "backend", backendId: null, url: null, expression: null },
});

/** The ways that differ, as they were and as they are. */
export function changedWays(before: readonly Way[], after: readonly Way[]): readonly (readonly [Way | undefined, Way | undefined])[] {
  const [were, are] = [byKey(before), byKey(after)];
  return [...new Set([...were.keys(), ...are.keys()])]
    .map((key) => [were.get(key), are.get(key)] as const)
    .filter(([was, is]) => goesElsewhere(was, is));
}

const byKey = (ways: readonly Way[]): ReadonlyMap<string, Way> =>
  new Map(ways.map((way) => [JSON.stringify([way.apiId, way.operationId, way.productId]), way]));

const shown = (way: Way | undefined): string =>
  JSON.stringify(
    mergeTargets(way?.choices ?? [])
      .map(({ target, conditions }) => JSON.stringify([target, conditions]))
      .toSorted(),
  );
