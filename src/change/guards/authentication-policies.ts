import { documentKind, documentTitle, policyDocumentId, workspaceOf } from "../../gateway/documents.ts";
import type { PolicyTexts } from "../../gateway/inventory.ts";
import { sameName } from "../../gateway/model.ts";
import type { ProposedDocument } from "../../gateway/proposal.ts";
import { containsPolicies } from "../../policy/catalogue.ts";
import { attribute, descendants } from "../../policy/document.ts";
import { type CallPath, policyChain, type Step, type StepReader, stepReader } from "../../policy/steps.ts";
import { named } from "../../quota/limits.ts";
import { authenticationOf } from "./authentication-elements.ts";
import { concernedPaths, titleOfCalls } from "./calls.ts";
import { type Judged, propertiesOn, textsOf } from "./states.ts";

/** How often something runs: at the least, at the most, and how often it is written, over all ways through the policies. */
interface Tally {
  readonly least: number;
  readonly most: number;
  readonly written: number;
}

type Tallies = ReadonlyMap<string, Tally>;

const none: Tally = { least: 0, most: 0, written: 0 };

/** An authentication of a call, and the documents that it stands in. */
interface Met {
  readonly tallies: Tallies;
  readonly sources: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Null where no call that the change concerns meets any authentication now. */
export function lostInPolicies(judged: Judged): readonly string[] | null {
  const texts = textsOf(judged);
  const [before, after] = [stepReader(texts.before), stepReader(texts.after)];
  const lost = new Map<string, { readonly key: string; readonly source: string; readonly calls: Set<string> }>();
  let any = false;
  for (const path of concernedPaths(judged)) {
    const losses = lossesOn(path, before, after);
    any ||= losses !== null;
    for (const { key, source } of losses ?? []) {
      const id = `${key}\n${source}`;
      const loss = lost.get(id) ?? { key, source, calls: new Set() };
      loss.calls.add(titleOfCalls(path));
      lost.set(id, loss);
    }
  }
  if (!any) return null;
  return [...lost.values()].map(
    ({ key, source, calls }) => `${documentTitle(source)}: ${key} would no longer apply to every call of ${named([...calls])}.`,
  );
}

interface Loss {
  readonly key: string;
  readonly source: string;
}

/** What calls of one path lose; null where they meet no authentication now. */
function lossesOn(path: CallPath, before: StepReader, after: StepReader): readonly Loss[] | null {
  const chain = policyChain(path);
  const was = met(before, chain);
  if (was.every(({ tallies }) => tallies.size === 0)) return null;
  const is = met(after, chain);
  return was.flatMap(({ tallies, sources }, zone) =>
    [...tallies]
      .filter(([key, tally]) => isLess(is[zone]?.tallies.get(key) ?? none, tally))
      .flatMap(([key]) => {
        const stood = [...(sources.get(key) ?? [])];
        const stands = is[zone]?.sources.get(key);
        const left = stood.filter((source) => stands?.has(source) !== true);
        return (left.length > 0 ? left : stood).map((source) => ({ key, source }));
      }),
  );
}

/** What goes out of one branch is not lost where every branch has it. */
const isLess = (is: Tally, was: Tally): boolean => is.least < was.least || (is.written < was.written && is.least < was.most);

/** What a call meets up to the backend's answer, and in all: a check that moves behind the answer lets the call through. */
function met(reader: StepReader, chain: readonly string[]): readonly Met[] {
  const { inbound, backend, outbound, "on-error": onError } = reader.steps(chain);
  const request = [...inbound, ...backend];
  return [request, [...request, ...outbound, ...onError]].map((steps) => {
    const sources = new Map<string, Set<string>>();
    return { tallies: tallyOf(steps, sources), sources };
  });
}

function tallyOf(steps: readonly Step[], sources: Map<string, Set<string>>): Tallies {
  return steps.map((step) => tallyOfStep(step, sources)).reduce((sum, tallies) => combined([sum, tallies], add), new Map<string, Tally>());
}

function tallyOfStep(step: Step, sources: Map<string, Set<string>>): Tallies {
  const { name } = step.element;
  if (name === "choose") return tallyOfBranches(step.children(), sources);
  if (containsPolicies(name)) return tallyOf(step.children(), sources);
  const keys = [...descendants(step.element)].flatMap((element) => {
    const authentication = element.name === "include-fragment" ? unknownFragment(step) : authenticationOf(element);
    // What a policy like send-request holds signs in a request of its own, not the call.
    return authentication === null ? [] : [element === step.element ? authentication : `${authentication} in <${name}>`];
  });
  const tallies = new Map<string, Tally>();
  for (const key of keys) {
    tallies.set(key, add([tallies.get(key) ?? none, { least: 1, most: 1, written: 1 }]));
    const standing = sources.get(key) ?? new Set();
    sources.set(key, standing.add(step.place.document));
  }
  return tallies;
}

/** One that was not found may hold any authentication. */
const unknownFragment = ({ element }: Step): string => `<include-fragment fragment-id="${attribute(element, "fragment-id") ?? ""}">`;

/** One of the branches runs, or none where there is no `otherwise`. */
function tallyOfBranches(branches: readonly Step[], sources: Map<string, Set<string>>): Tallies {
  const all = branches.map(({ children }) => tallyOf(children(), sources));
  const others = branches.some(({ element }) => element.name === "otherwise") ? [] : [new Map<string, Tally>()];
  return combined([...all, ...others], (tallies) => ({
    least: Math.min(...tallies.map(({ least }) => least)),
    most: Math.max(...tallies.map(({ most }) => most)),
    written: tallies.reduce((sum, { written }) => sum + written, 0),
  }));
}

const add = (tallies: readonly Tally[]): Tally =>
  tallies.reduce((a, b) => ({ least: a.least + b.least, most: a.most + b.most, written: a.written + b.written }), none);

function combined(all: readonly Tallies[], combine: (tallies: readonly Tally[]) => Tally): Tallies {
  const keys = new Set(all.flatMap((tallies) => [...tallies.keys()]));
  return new Map([...keys].map((key) => [key, combine(all.map((tallies) => tallies.get(key) ?? none))]));
}

/**
 * A fragment that no known policy includes is judged by itself: APIs' other revisions may include it. Null where the change has none with
 * authentication in it.
 */
export function lostInFragments(judged: Judged): readonly string[] | null {
  const texts = textsOf(judged);
  const alone = judged.documents
    .filter(({ id }) => documentKind(id) === "fragment")
    .filter(({ id }) => !isIncluded(texts.before, id))
    .map((document) => {
      const path = { workspaceId: workspaceOf(document.id), apiId: null, operationId: null, productId: null };
      const readers = [fragmentReader(texts.before, document, "before"), fragmentReader(texts.after, document, "after")] as const;
      return { title: documentTitle(document.id), losses: lossesOn(path, ...readers) };
    })
    .filter(({ losses }) => losses !== null);
  if (alone.length === 0) return null;
  return alone.flatMap(({ title, losses }) => (losses ?? []).map(({ key }) => `${title}: ${key} would be removed.`));
}

/** The service as if the fragment were its only policy. */
function fragmentReader({ namedValues }: PolicyTexts, document: ProposedDocument, side: "before" | "after"): StepReader {
  const properties = propertiesOn(document, side) ?? { value: "<fragment />" };
  const workspaceId = workspaceOf(document.id);
  const id = policyDocumentId(workspaceId === undefined ? { kind: "global" } : { kind: "workspace", workspaceId });
  const value = `<policies><inbound><include-fragment fragment-id="${document.id.split("/").at(-1)}" /></inbound></policies>`;
  const policies = new Map([[id, { id, etag: "", properties: { value } }]]);
  return stepReader({ policies, fragments: [{ id: document.id, properties }], namedValues });
}

function isIncluded(texts: PolicyTexts, fragment: string): boolean {
  const reader = stepReader(texts);
  return [...texts.policies.keys()].some((id) =>
    Object.values(reader.steps([id])).some((steps) => [...placesOf(steps)].some((document) => sameName(document, fragment))),
  );
}

function* placesOf(steps: readonly Step[]): Generator<string> {
  for (const step of steps) {
    yield step.place.document;
    yield* placesOf(step.children());
  }
}
