import type { DrillMode } from "../../../src/gateway/drill.ts";
import { readInventory } from "../../../src/gateway/inventory.ts";
import type { Proposal } from "../../../src/gateway/proposal.ts";
import { loadGrammar } from "../../../src/grammar.ts";
import { planDrill } from "../../../src/pool/drill/plan.ts";
import { armId } from "../../../src/sandbox/world.ts";
import { type Machine, openMachine, type Process } from "../processes.ts";
import { backendProperties, east, never, poolProperties, routePolicy } from "../service.ts";

/** A service of two regions in one pool, and the processes that share its journal. */
export function openDrillMachine(): Machine {
  const machine = openMachine();
  const { world } = machine.service;
  world.put("backends/west", { ...world.get(east)?.properties, ...backendProperties("https://west.example/openai") });
  world.put("backends/pool", poolProperties("east", "west"));
  world.put("subscriptions/another", { displayName: "Another", scope: armId("apis"), state: "active" });
  world.put("apis/openai/operations/chat", { displayName: "Chat", method: "POST", urlTemplate: "/chat/completions" });
  world.put("subscriptions/growth", { displayName: "Growth", scope: armId("apis"), state: "active" });
  world.put("apis/openai/policies/policy", { format: "rawxml", value: routePolicy("pool") });
  return machine;
}

/** The drill that a process would plan. */
export async function drillOf(process: Process, mode: DrillMode = "evacuate"): Promise<Proposal> {
  const inventory = await readInventory(process.gateway.reader(never));
  const request = {
    api_id: "openai",
    backend_id: "east",
    mode,
    duration: "PT2M",
    ...(mode === "evacuate" ? { subscriptions: ["growth"] } : {}),
  };
  const means = {
    probe: { method: "POST", path: "/openai;rev=2/chat/completions", body: "{}" },
    withoutProbe: "",
    fault: { url: "https://fault.example", own: true },
    revision: 2,
  };
  return { tool: "run_failover_drill", ...planDrill(inventory, await loadGrammar(), request, means), override: [] };
}

export const twoMinutes = 2 * 60 * 1000;
