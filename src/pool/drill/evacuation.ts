import { backendDocumentId, withPolicyText } from "../../gateway/documents.ts";
import { backendIdOf, itemBackendId, poolItems } from "../backend.ts";
import type { DrillDocuments, DrillSubject } from "./plan.ts";
import { drillPoolId, isMember, poolWith } from "./pools.ts";
import { redirected } from "./redirect.ts";
import { drillCondition } from "./window.ts";

/**
 * A pool without the member, and a `choose` on the gateway's own clock that selects it: it ends by itself, whoever is still there to see it.
 * Everything else that the calls meet stays as it is.
 */
export function evacuation({ inventory, csharp, apiId, pool, member, subscriptions }: DrillSubject): DrillDocuments {
  const [poolId, backendId] = [backendIdOf(pool.id), backendIdOf(member.id)];
  const without = drillPoolId("without", backendId, poolId);
  const left = poolWith(pool.properties, (item) => (isMember(item, backendId) ? null : item));
  const others = poolItems(left).map(itemBackendId);
  const xml = [
    "<choose>",
    `    <when condition="${drillCondition(subscriptions)}">`,
    `        <set-backend-service backend-id="${without}" />`,
    "    </when>",
    "</choose>",
  ].join("\n");
  return {
    documents: [
      { id: backendDocumentId(without), before: null, after: left },
      ...redirected(inventory, csharp, apiId, poolId, xml).map(({ id, before, text }) => ({
        id,
        before,
        after: withPolicyText(before?.properties ?? null, text),
      })),
    ],
    warnings: [`Meanwhile ${others.join(", ")} ${others.length === 1 ? "carries" : "carry"} what '${backendId}' does now.`],
    faultOrigin: null,
  };
}
