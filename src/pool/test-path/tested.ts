import { findApi, type Inventory } from "../../gateway/inventory.ts";
import type { GatewayReader } from "../../gateway/ports.ts";
import type { CSharp } from "../../policy/expression-syntax.ts";
import type { PoolEdit } from "../plan.ts";
import { testPathMeans } from "./means.ts";
import { type TestPathRequest, testPath, testPathText } from "./path.ts";

/**
 * A change of a pool whose new members are asked before it is written. As it is where it has nothing to write. Throws as `testPathMeans` and
 * `testPath` do.
 */
export async function tested(
  reader: Pick<GatewayReader, "operations" | "document">,
  { inventory, csharp }: { readonly inventory: Inventory; readonly csharp: CSharp },
  request: TestPathRequest,
  edit: PoolEdit,
  given: { readonly probes: boolean; readonly deployment: string },
): Promise<PoolEdit> {
  if (edit.documents.length === 0) return edit;
  const means = await testPathMeans(reader, findApi(inventory.apis, request.api_id), given);
  const path = testPath(inventory, csharp, request, edit.documents, means);
  const names = path.members.map(({ backendId }) => backendId).join(", ");
  return {
    ...edit,
    action: `once ${names} ${path.members.length === 1 ? "answers" : "answer"} a test call, ${edit.action}`.replace(/[^\x20-\x7e]+/g, "?"),
    testPath: path,
    warnings: [...edit.warnings, testPathText(path)],
  };
}
