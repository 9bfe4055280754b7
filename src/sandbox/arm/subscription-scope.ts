import { sandboxService } from "../service.ts";
import { armId, type World } from "../world.ts";
import { invalidFields } from "./errors.ts";
import { isSame, levelOf } from "./level.ts";

/**
 * The whole ARM id of the scope that a write gives a subscription: `/products/{id}`, `/apis`, `/apis/{id}`, or the whole id of such. `before`
 * is the scope as stored; it is not looked at again, which lets a PATCH of the built-in subscription of the whole service pass. Refuses
 * other forms (https://github.com/Azure/azure-powershell/issues/26997) and what does not exist. Assumed: the words of the latter; that a
 * workspace's subscription may name the scope as one of the service or of the workspace.
 */
export function writtenScope(world: World, path: string, scope: string, before: string | undefined): string {
  const whole = isWhole(scope) ? scope : `${sandboxService.resourceId}${scope}`;
  if (before !== undefined && isSame(before, whole)) return whole;
  const below = isSame(whole.slice(0, root.length), root) ? whole.slice(root.length) : "";
  const level = levelOf(path);
  const name = level !== "" && isSame(below.slice(0, level.length), level) ? below.slice(level.length) : below;
  const [, kind, id] = /^(products|apis)\/([^/]+)$/i.exec(name) ?? [];
  if (isSame(name, "apis")) return whole;
  if (kind === undefined || id === undefined) {
    throw refused("Subscription scope should be one of '/apis', '/apis/{apiId}', '/products/{productId}'");
  }
  const exists = [name, `${level}${name}`].some((candidate) => world.get(candidate) !== undefined);
  if (!exists) throw refused(`${isSame(kind, "apis") ? "API" : "Product"} with id '${id}' could not be found.`);
  return whole;
}

const root = armId("");

const isWhole = (scope: string): boolean => scope.toLowerCase().startsWith("/subscriptions/");

const refused = (message: string): Error => invalidFields([{ target: "scope", message }]);
