import type { JsonObject } from "../../../src/gateway/documents.ts";
import type { TargetNames } from "../../../src/gateway/targets.ts";
import { armId } from "../../../src/sandbox/world.ts";

export const globalId = "policies/policy";
export const productId = "products/gold/policies/policy";
export const apiId = "apis/chat/policies/policy";
export const operationId = "apis/chat/operations/ask/policies/policy";
export const team = "workspaces/team";
export const teamId = `${team}/policies/policy`;
export const teamProductId = `${team}/products/silver/policies/policy`;
export const teamApiId = `${team}/apis/talk/policies/policy`;
export const teamOperationId = `${team}/apis/talk/operations/say/policies/policy`;

export const toApi: TargetNames = { api_id: "chat" };
export const toApiOfGold: TargetNames = { api_id: "chat", product_id: "gold" };
export const toOperation: TargetNames = { api_id: "chat", operation_id: "ask" };
export const toOperationOfGold: TargetNames = { api_id: "chat", operation_id: "ask", product_id: "gold" };
export const toGold: TargetNames = { product_id: "gold" };
export const anyCall: TargetNames = { global: true };
export const toTeamApi: TargetNames = { api_id: `${team}/apis/talk` };
export const toTeamApiOfSilver: TargetNames = { api_id: `${team}/apis/talk`, product_id: "silver" };
export const toTeamOperationOfSilver: TargetNames = { api_id: `${team}/apis/talk`, operation_id: "say", product_id: "silver" };

/** Documents by the names that expectations use. */
export const titles: Readonly<Record<string, string>> = {
  [globalId]: "global",
  [productId]: "gold",
  [apiId]: "chat",
  [operationId]: "ask",
  [teamId]: "team",
  [teamProductId]: "silver",
  [teamApiId]: "talk",
  [teamOperationId]: "say",
};

/** What every row's gateway has besides policies. Names are unique over all workspaces, as the service demands. */
export const entities: Readonly<Record<string, JsonObject>> = {
  "apis/chat": { path: "chat" },
  "apis/chat/operations/ask": { displayName: "ask", method: "POST", urlTemplate: "/ask" },
  "apis/chat/operations/tell": { displayName: "tell", method: "POST", urlTemplate: "/tell" },
  "products/gold": { displayName: "Gold" },
  "products/gold/apis/chat": {},
  "workspaces/other": { displayName: "Other" },
  [team]: { displayName: "Team" },
  [`${team}/apis/talk`]: { path: "talk" },
  [`${team}/apis/talk/operations/say`]: { displayName: "say", method: "POST", urlTemplate: "/say" },
  [`${team}/products/silver`]: { displayName: "Silver" },
  [`${team}/products/silver/apiLinks/one`]: { apiId: armId(`${team}/apis/talk`) },
};
