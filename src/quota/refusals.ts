import { GatewayError } from "../errors.ts";
import { documentTitle, workspaceOf } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { type Subscription, subscriptionName } from "../gateway/model.ts";
import { parse, positionAt } from "../policy/document.ts";
import { textOf } from "./edits/documents.ts";
import type { Limit, TeamLimits } from "./limit.ts";
import { notEditable, type SureLimit, sharedWith } from "./target.ts";
import { holdsNarrowerLimits } from "./written-limits.ts";

/** Why the last way to change a limit did not do, where none was tried. */
export const noWayLeft = ({ element, reason }: Limit): string =>
  element.name === "api" || element.name === "operation" || holdsNarrowerLimits(element)
    ? "its policy has limits of its own for single APIs or operations"
    : (reason ?? "no way to change it is left");

/** Throws `unsupported` where the document is one that cannot be edited. */
export function refuseMalformed(inventory: Inventory, team: TeamLimits, limit: Limit): void {
  const documents = [limit.document, limit.number.document].filter((id) => !/(?:^|\/)namedValues\//.test(id));
  for (const id of documents) {
    const source = textOf(inventory, id) ?? "";
    const [problem] = parse(source).problems;
    if (problem === undefined) continue;
    const { line } = positionAt(source, problem.offset);
    throw notEditable(team, limit, `${documentTitle(id)} is not well-formed, line ${line}: ${problem.message.replace(/\.$/, "")}`);
  }
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
  const others = sharedWith(limit, subscriptionName(team.subscription));
  const error = notEditable(team, limit, `its counter ${limit.counterKey ?? ""} ${others}`);
  return new GatewayError("unsupported", `${error.message} A limit of the team's own can only be lower: ${value} would not bind.`, {
    hint: `Ask for less than ${limit.amount.value}, or raise the shared limit for all with apply_policy.`,
    details: error.details,
  });
}
