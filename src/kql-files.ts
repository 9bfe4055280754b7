import { readFile } from "node:fs/promises";
import type { KqlFiles } from "./sandbox/monitor/kql/parser.ts";

/** Microsoft's KQL parser out of the installed package. The bundle holds it itself: .ci/build.ts puts another module in this one's place. */
export async function kqlFiles(): Promise<KqlFiles> {
  const [bridge, language] = await Promise.all([
    readFile(new URL(import.meta.resolve("@kusto/language-service-next/bridge.min.js")), "utf8"),
    readFile(new URL(import.meta.resolve("@kusto/language-service-next/Kusto.Language.Bridge.min.js")), "utf8"),
  ]);
  return { bridge, language };
}
