import { GatewayError } from "../../errors.ts";
import type { ProbeRequest } from "../../gateway/drill.ts";
import type { Api } from "../../gateway/model.ts";
import type { GatewayReader } from "../../gateway/ports.ts";
import { freeRevision } from "../drill/means.ts";
import { probedOperation } from "../drill/probe.ts";

/** What a test path to an API's new members is made with. */
export interface TestPathMeans {
  /** Of the API: the first number that no revision has. */
  readonly revision: number;
  readonly operationId: string;
  readonly request: ProbeRequest;
}

interface Given {
  readonly probes: boolean;
  readonly deployment: string;
}

/** Throws `not_configured` without a test key, and `unsupported` where the API has no operation that a test call could use. */
export async function testPathMeans(
  reader: Pick<GatewayReader, "operations" | "document">,
  api: Api,
  { probes, deployment }: Given,
): Promise<TestPathMeans> {
  if (!probes) {
    throw new GatewayError("not_configured", "probe: true makes a test call, and AIGW_PROBE_KEY is not set.", {
      hint: "Set AIGW_PROBE_KEY to the key of a subscription for tests; or leave out probe.",
    });
  }
  const revision = await freeRevision(reader, api.id);
  const probed = probedOperation(api, await reader.operations(api.id), deployment, revision);
  if (probed !== null) return { revision, ...probed };
  throw new GatewayError("unsupported", `API '${api.id}' has no operation that a test call could use.`, {
    hint: "It takes one to chat/completions, or a GET without parameters. Leave out probe.",
  });
}
