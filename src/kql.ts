import type { KqlParser } from "./sandbox/monitor/kql/parser.ts";

let loading: Promise<KqlParser> | undefined;

/** Microsoft's parser of KQL, which the sandbox runs log queries by: loaded at the first call, once for the process. */
export function loadKql(): Promise<KqlParser> {
  loading ??= Promise.all([import("./kql-files.ts"), import("./sandbox/monitor/kql/parser.ts")]).then(
    async ([{ kqlFiles }, { openKqlParser }]) => openKqlParser(await kqlFiles()),
  );
  return loading;
}
