import type { JsonObject } from "../../../src/gateway/documents.ts";
import { type Kill, type Machine, openMachine, type Process } from "../processes.ts";
import { openService, proposalOf, secondRegion } from "../service.ts";

type State = ReadonlyMap<string, JsonObject>;

/** The change of three documents, applied by a process that is killed. */
export async function interrupted(kill: Kill) {
  const machine = openMachine();
  const before = machine.service.state();
  const victim = machine.start();
  const plan = await victim.plan(proposalOf({ documents: await secondRegion(machine.service) }));
  const outcome = await victim.killedIn(kill, () => victim.apply(plan));
  return { machine, before, plan, planId: plan.planId ?? "", outcome, next: machine.start() };
}

/** What the three documents are after the change. */
export async function whole(): Promise<State> {
  const service = openService();
  await service.apply(await service.plan({ documents: await secondRegion(service) }));
  return service.state();
}

export const stateOf = async (process: Process, changeId: string) =>
  (await process.changes.log.list(100)).changes.find((change) => change.changeId === changeId);

/** Moments before the change of three documents is claimed: their reads, and those of the service that they are judged on. */
export const reading = 3 + 11;
/** As the moment at which the second document has been written and not yet recorded. */
export const half: Kill = { moment: reading + 2 + 3 + 1, effect: "after" };
export const theirs = { value: "<policies><inbound><base /></inbound></policies>" };
export const edit = ({ service: { world } }: Machine, path: string, properties: JsonObject) => void world.put(path, properties);
