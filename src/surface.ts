import { tools } from "../tools/index.ts";
import { auditLog } from "./audit-log.ts";
import type { Configuration } from "./config.ts";
import type { Loopback } from "./embedded-sandbox.ts";
import type { GatewayError } from "./errors.ts";
import { jsonLog } from "./log.ts";
import { type AuditLog, openTrail } from "./mcp/audit.ts";
import type { Surface } from "./mcp/call.ts";
import { failed, success } from "./mcp/result.ts";
import type { Offered } from "./mcp/server.ts";
import { type Environment, openRuntime, type Runtime } from "./runtime.ts";
import { version } from "./version.ts";

interface SurfaceOptions {
  readonly environment: Environment;
  /** Where the operator reads, e.g. stderr. */
  readonly err: (text: string) => void;
  readonly now?: () => Date;
  /** Resolves once so many milliseconds have gone by; the machine's time where left out. */
  readonly wait?: (milliseconds: number) => Promise<void>;
  /** Whether this process goes on looking after the drills of processes that have ended; where left out it does not. */
  readonly resumes?: boolean;
  /** Where given, the embedded sandbox is served on loopback too, and one line of JSON says where. */
  readonly announce?: (line: string) => void;
}

/** The tools on the configured service, and what is offered besides. A read-only setting that cannot be read counts as set, any other as not set. */
export function openSurface(
  configuration: Configuration,
  { environment, err, now = () => new Date(), wait, resumes = false, announce }: SurfaceOptions,
): Surface & Offered & Pick<Runtime, "lookedAfter" | "tryJournal"> {
  const { readOnly, direct, sandbox, auditFile } = configuration.values;
  const log = jsonLog(err, now);
  const loopback: Loopback | undefined = announce && {
    announce: (address) => announce(`${JSON.stringify(address)}\n`),
    failed: (reason) => log("error", "the sandbox is not served", { reason }),
  };
  const audit = auditLog({ write: err, file: auditFile, now, log });
  const { caller, contexts, lookedAfter, tryJournal } = openRuntime(configuration, environment, now, loopback, {
    resumes,
    hear: () => heardInBackground(audit, caller),
    ...(wait === undefined ? {} : { wait }),
  });
  return {
    tools,
    caller,
    contexts,
    lookedAfter,
    tryJournal,
    readOnly: readOnly !== false,
    direct: direct === true,
    sharedPlans: sandbox !== true,
    audit,
    report: (message, details) => log("error", message, details),
    prompts: async () => (await import("./prompts/index.ts")).prompts,
    resources: async () => (await import("./resources/index.ts")).resources,
  };
}

/** The audit's line of a drill's clean-up that nobody has called for. */
function heardInBackground(audit: AuditLog, caller: string) {
  const trail = openTrail();
  trail.effect("write");
  return {
    trail,
    done: (failure: GatewayError | null) => {
      const outcome = failure === null ? success({}, () => "") : failed(failure);
      return audit.write(trail.line({ client: { name: "background", version }, caller, tool: "stop_drill" }, outcome));
    },
  };
}
