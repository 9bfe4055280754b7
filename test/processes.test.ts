import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { describe, expect, onTestFinished, test } from "vitest";
import { machineProcesses } from "../src/processes.ts";

const { own, look } = machineProcesses();

async function child(): Promise<ChildProcess & { readonly pid: number }> {
  const process = spawn(globalThis.process.execPath, ["-e", "process.stdin.resume(); process.stdout.write('up')"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  onTestFinished(() => void process.kill("SIGKILL"));
  await once(process.stdout, "data");
  const { pid } = process;
  if (pid === undefined) throw new Error("no process");
  return Object.assign(process, { pid });
}

describe("a process of this machine", () => {
  test("is this one", () => {
    expect(own).toMatchObject({ pid: process.pid, host: expect.stringContaining(hostname()) });
    expect(look(own)).toBe(process.platform === "linux" ? "running" : "unknown");
    expect(machineProcesses().own).toEqual(own);
  });

  test("runs until it is killed", async () => {
    const other = await child();
    const id = { ...own, pid: other.pid, started: null };
    expect(look(id)).toBe("unknown");
    other.kill("SIGKILL");
    await once(other, "exit");
    expect(look(id)).toBe("ended");
  });

  test.skipIf(process.platform !== "linux")("with the pid of an earlier one is another", async () => {
    const other = await child();
    expect(look({ ...own, pid: other.pid, started: own.started })).toBe("ended");
  });

  test.skipIf(process.platform !== "linux")("that nobody has asked about since it ended has ended", async () => {
    const parent = spawn("sh", ["-c", "exec 3<&0; cat <&3 & echo $!; exec sleep 60"], { stdio: ["pipe", "pipe", "ignore"] });
    onTestFinished(() => void parent.kill("SIGKILL"));
    const [printed] = await once(parent.stdout, "data");
    const pid = Number(printed);
    const started = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[21] ?? null;
    expect(look({ ...own, pid, started })).toBe("running");
    // A shell would ask; what it becomes never does.
    await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, "utf8").trim()).toBe("sleep");
    parent.stdin.end();
    await expect.poll(() => look({ ...own, pid, started })).toBe("ended");
    expect(readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(" Z ");
  });

  test("on another host, in another container, or before a restart cannot be seen", () => {
    expect(look({ ...own, host: `${own.host}-2` })).toBe("unknown");
  });

  test("of the system is not mistaken for one that has ended", () => {
    expect(look({ ...own, pid: 1, started: null })).toBe("unknown");
  });
});
