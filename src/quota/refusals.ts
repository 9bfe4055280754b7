import { GatewayError } from "../errors.ts";
import { documentTitle, workspaceOf } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import type { Subscription } from "../gateway/model.ts";
import { parse } from "../policy/document.ts";
import { textOf } from "./edits/documents.ts";
import type { Limit, TeamLimits } from "./limit.ts";
import { notEditable, type SureLimit } from "./target.ts";

/** Throws `unsupported` where the number of a limit cannot be written. */
export function refuseUneditable(subscription: Subscription, inventory: Inventory, team: TeamLimits, limit: Limit): void {
  refuseWorkspace(subscription, limit);
  const { origin } = limit.number;
  if (origin === null || origin.text === "expression") throw notEditable(team, limit, reasonOf(limit));
  refuseMalformed(inventory, team, limit);
}

export const reasonOf = ({ reason, number: { origin } }: Limit): string =>
  reason ?? (origin === null || origin.text === "expression" ? "an expression decides it" : "no way to change it is left");

export function refuseMalformed(inventory: Inventory, team: TeamLimits, limit: Limit): void {
  const documents = [limit.document, limit.number.document].filter((id) => !/(?:^|\/)namedValues\//.test(id));
  const broken = documents.find((id) => parse(textOf(inventory, id) ?? "").problems.length > 0);
  if (broken !== undefined) throw notEditable(team, limit, `${documentTitle(broken)} is not well-formed`);
}

/** The writer knows no documents of workspaces yet. */
export function refuseWorkspace({ workspaceId }: Subscription, limit: Limit | null): void {
  const workspace = workspaceId ?? (limit === null ? undefined : workspaceOf(limit.document));
  if (workspace === undefined) return;
  const place = limit === null ? "" : ` It stands in ${documentTitle(limit.document)}, line ${limit.line}.`;
  throw new GatewayError("unsupported", `Limits of workspace '${workspace}' cannot be changed here.${place}`, {
    hint: "Its policies can be read with get_policy; they are edited in the workspace itself.",
  });
}

export function sharedCounter(team: TeamLimits, limit: SureLimit, value: number): GatewayError {
  const error = notEditable(team, limit, reasonOf(limit));
  return new GatewayError("unsupported", `${error.message} A limit of the team's own can only be lower: ${value} would not bind.`, {
    hint: `Ask for less than ${limit.amount.value}, or raise the shared limit for all with apply_policy.`,
    details: error.details,
  });
}
