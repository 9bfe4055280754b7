import { tools } from "../tools/index.ts";
import { auditLog } from "./audit-log.ts";
import type { Configuration } from "./config.ts";
import type { Loopback } from "./embedded-sandbox.ts";
import { jsonLog } from "./log.ts";
import type { Surface } from "./mcp/call.ts";
import { type Environment, openRuntime } from "./runtime.ts";

export interface SurfaceOptions {
  readonly environment: Environment;
  /** Where the operator reads, e.g. stderr. */
  readonly err: (text: string) => void;
  readonly now?: () => Date;
  /** Where given, the embedded sandbox is served on loopback too, and one line of JSON says where. */
  readonly announce?: (line: string) => void;
}

/** The tools on the configured service. A read-only setting that cannot be read counts as set, any other as not set. */
export function openSurface(configuration: Configuration, { environment, err, now = () => new Date(), announce }: SurfaceOptions): Surface {
  const { readOnly, direct, sandbox, auditFile } = configuration.values;
  const log = jsonLog(err, now);
  const loopback: Loopback | undefined = announce && {
    announce: (address) => announce(`${JSON.stringify(address)}\n`),
    failed: (reason) => log("error", "the sandbox is not served", { reason }),
  };
  const { caller, contexts } = openRuntime(configuration, environment, now, loopback);
  return {
    tools,
    caller,
    contexts,
    readOnly: readOnly !== false,
    direct: direct === true,
    sharedPlans: sandbox !== true,
    audit: auditLog({ write: err, file: auditFile, now, log }),
    report: (message, details) => log("error", message, details),
  };
}
