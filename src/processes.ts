import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { Processes } from "./change/recovery.ts";

/**
 * The processes of this machine, for changes that a process has left half-way. Linux tells when a process was started, and
 * so a pid that was given away again from the process that had it; elsewhere a pid that exists may be either. A process in
 * another container has another pid namespace (and after a restart of the machine another boot) and cannot be seen.
 */
export function machineProcesses(): Processes {
  const host = [hostname(), read("/proc/sys/kernel/random/boot_id"), namespace()].filter((part) => part !== null).join(" ");
  return {
    own: { host, pid: process.pid, started: startOf(process.pid) },
    look(other) {
      if (other.host !== host) return "unknown";
      if (!exists(other.pid)) return "ended";
      if (other.started === null) return "unknown";
      return startOf(other.pid) === other.started ? "running" : "ended";
    },
  };
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is another user's.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/**
 * In clock ticks since the boot: the 22nd field of https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html. Null on other
 * systems, and of a process that has ended and that its parent has not yet asked about (state Z).
 */
function startOf(pid: number): string | null {
  const stat = read(`/proc/${pid}/stat`);
  // The second field is a name in parentheses, which may hold blanks and parentheses itself.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields === undefined || fields[0] === "Z" ? null : (fields[19] ?? null);
}

function namespace(): string | null {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}
