import { GatewayError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { AuditLog } from "./mcp/audit.ts";

interface AuditOptions {
  /** Where the operator reads: stderr. */
  readonly write: (line: string) => void;
  /** A file that is appended to, readable by its owner alone; it need not exist. */
  readonly file: string | undefined;
  readonly now: () => Date;
  readonly log: Log;
}

/** An audit of JSON lines, each marked with `audit: true` and the time when its call ended. */
export function auditLog({ write, file, now, log }: AuditOptions): AuditLog {
  return {
    async ready() {
      if (file === undefined) return;
      try {
        await (await openToAppend(file)).close();
      } catch (cause) {
        throw new GatewayError("unavailable", `The audit file ${file} cannot be opened: ${messageOf(cause)}. Nothing was written.`, {
          hint: "The operator has to make the file of AIGW_AUDIT_FILE one that this user can append to.",
          cause,
        });
      }
    },
    async write(line) {
      const text = `${JSON.stringify({ time: now().toISOString(), audit: true, ...line })}\n`;
      write(text);
      if (file === undefined) return;
      try {
        await append(file, text);
      } catch (error) {
        log("error", "the audit file does not have the line above", { file, reason: messageOf(error) });
      }
    },
  };
}

/** Opened anew for each line, so that the file may be moved away in between. */
async function openToAppend(file: string) {
  const { open } = await import("node:fs/promises");
  return open(file, "a", 0o600);
}

/** In one write: lines of several processes do not mix. */
async function append(file: string, text: string): Promise<void> {
  const handle = await openToAppend(file);
  try {
    const bytes = Buffer.from(text);
    const { bytesWritten } = await handle.write(bytes);
    if (bytesWritten < bytes.length) throw new Error(`only ${bytesWritten} of ${bytes.length} bytes were taken`);
  } finally {
    await handle.close();
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
