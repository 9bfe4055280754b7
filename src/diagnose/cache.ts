import type { Inventory } from "../gateway/inventory.ts";
import { type EffectiveElement, effective } from "../policy/effective.ts";
import { findBackend, isEmpty } from "../pool/backend.ts";
import { type Finding, knowing, ok, problem, untold } from "./check.ts";
import { apisAsked, servingInventory, servingReads } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { withoutCalls } from "./failures.ts";
import { type Read, type Values, valuesOf } from "./reads.ts";
import { short } from "./wording.ts";

/** Both names of the policies: https://learn.microsoft.com/azure/api-management/azure-openai-semantic-cache-lookup-policy */
const lookupNames = ["llm-semantic-cache-lookup", "azure-openai-semantic-cache-lookup"];
const storeNames = ["llm-semantic-cache-store", "azure-openai-semantic-cache-store"];

/** A semantic cache as calls of an API meet it. */
interface Cache {
  readonly apiId: string;
  readonly lookup: EffectiveElement | null;
  readonly hasStore: boolean;
  /** Whether the same call's answer is streamed through, whatever it asks for. */
  readonly streams: boolean;
  readonly inventory: Inventory;
}

/** Those of the APIs that were asked about, by way of each of their products. */
function cachesOf(inventory: Inventory, evidence: Evidence): readonly Cache[] {
  return apisAsked(inventory, evidence).flatMap((apiId) => {
    const products = inventory.products.filter(({ apiIds }) => apiIds.includes(apiId)).map(({ id }) => id);
    return [null, ...products].flatMap((productId): readonly Cache[] => {
      const { elements } = effective(inventory, { apiId, operationId: null, productId });
      const named = (names: readonly string[]) => elements.filter(({ name }) => names.includes(name));
      const [lookup = null] = named(lookupNames);
      const hasStore = named(storeNames).length > 0;
      return lookup === null && !hasStore ? [] : [{ apiId, lookup, hasStore, streams: elements.some(alwaysStreams), inventory }];
    });
  });
}

const alwaysStreams = ({ name, attributes, conditions }: EffectiveElement): boolean =>
  name === "forward-request" && attributes["buffer-response"]?.trim().toLowerCase() === "false" && conditions.length === 0;

/** Looks at each cache until one has a problem. */
const ofCaches = (evidence: Evidence, check: (cache: Cache) => Finding | null): Finding =>
  knowing(servingReads(evidence), (read) => {
    for (const cache of cachesOf(servingInventory(read), evidence)) {
      const found = check(cache);
      if (found !== null) return found;
    }
    return ok();
  });

/** The same of what only a lookup has. */
const ofLookups = (evidence: Evidence, check: (lookup: EffectiveElement, cache: Cache) => Finding | null): Finding =>
  ofCaches(evidence, (cache) => (cache.lookup === null ? null : check(cache.lookup, cache)));

const at = ({ place }: EffectiveElement): string => `${place.document}, line ${place.line}`;

const edit = (apiId: string): string => `apply_policy {"api_id":"${apiId}","edits":[...]}`;

/** One of both without the other caches nothing. */
export const cachePair = (evidence: Evidence): Finding =>
  knowing(servingReads(evidence), (read) => {
    const caches = cachesOf(servingInventory(read), evidence);
    const [first] = caches;
    const name = evidence.apiId ?? "...";
    if (first === undefined) {
      if (evidence.symptom !== "cache") return ok("no semantic cache");
      return problem(
        "No policy looks up a semantic cache.",
        "Every call goes to the model.",
        `Add llm-semantic-cache-lookup to inbound and -store to outbound: ${edit(name)}`,
      );
    }
    const half = caches.find(({ lookup, hasStore }) => lookup === null || !hasStore);
    if (half === undefined) return ok();
    return half.lookup === null
      ? problem(
          `API '${half.apiId}' stores into the semantic cache and never looks it up.`,
          "Nothing is ever answered from the cache.",
          `Add llm-semantic-cache-lookup to inbound: ${edit(half.apiId)}`,
        )
      : problem(
          `${at(half.lookup)}: a lookup without llm-semantic-cache-store.`,
          "Nothing is ever put into the cache, so nothing is found.",
          `Add <llm-semantic-cache-store duration="3600" /> to outbound: ${edit(half.apiId)}`,
        );
  });

/** Deployments that are named like models that make no embeddings. Assumed: nobody names one that does so. */
const chatModel = /^(?!.*embed)(?:gpt|o[1-9]|chatgpt|phi|llama|meta-llama|mistral|claude|deepseek|grok)\b/i;

/** What the configuration says, where no call shows that it works: no log of the gateway tells how the embeddings backend answers. */
export function cacheEmbeddings(evidence: Evidence): Finding {
  const written = writtenEmbeddings(evidence);
  if (written.status !== "ok" || (hitsOf(evidence)?.hits ?? 0) > 0 || !looksUp(evidence)) return written;
  return untold(
    "No hit of the cache shows that its embeddings backend answers, and no log of the gateway says how it does.",
    "Send one prompt twice; where the second is no hit either, call the embeddings backend's URL with the gateway's credential: 401 or 404 is the cause",
  );
}

/** The backend that makes embeddings: https://learn.microsoft.com/azure/api-management/azure-openai-enable-semantic-caching */
const writtenEmbeddings = (evidence: Evidence): Finding =>
  ofLookups(evidence, (lookup, { apiId, inventory }) => {
    const name = lookup.attributes["embeddings-backend-id"] ?? "";
    const backend = findBackend(inventory.backends, name);
    const means = "Without embeddings no prompt is compared: every call goes to the model.";
    if (name === "" || backend === undefined) {
      return problem(
        `${at(lookup)}: embeddings backend '${name}' does not exist.`,
        means,
        `Create a backend of that name for an embeddings deployment (.../deployments/<name>/embeddings), or name another: ${edit(apiId)}`,
      );
    }
    const { url, credentials } = backend.properties;
    const deployment = typeof url === "string" ? /\/deployments\/([^/?]+)/.exec(url)?.[1] : undefined;
    if (deployment !== undefined && chatModel.test(deployment)) {
      return problem(
        `Embeddings backend '${name}' leads to deployment '${deployment}', by its name a model for chat.`,
        means,
        `Let its URL name a deployment of an embeddings model, e.g. text-embedding-3-small: the portal, Backends, '${name}'`,
      );
    }
    if (typeof url === "string" && /\/(?:chat\/completions|completions|responses)\/?$/i.test(url)) {
      return problem(
        `Embeddings backend '${name}' leads to ${new URL(url).pathname}.`,
        means,
        `Let it lead to .../deployments/<name>/embeddings: ${edit(apiId)}`,
      );
    }
    const signed = (lookup.attributes["embeddings-backend-auth"] ?? "") !== "" || (credentials !== undefined && !isEmpty(credentials));
    if (signed) return null;
    return problem(
      `${at(lookup)}: nothing signs in to embeddings backend '${name}'.`,
      "The embeddings model answers 401, and no prompt is compared.",
      `Set embeddings-backend-auth="system-assigned" on the lookup, and grant the identity "Cognitive Services OpenAI User": ${edit(apiId)}`,
    );
  });

/** https://learn.microsoft.com/azure/api-management/azure-openai-enable-semantic-caching#prerequisites */
export const cacheRedis = (evidence: Evidence): Finding =>
  knowing({ ...servingReads(evidence), caches: evidence.caches }, ({ caches, ...read }) => {
    const uses = cachesOf(servingInventory(read), evidence).length > 0;
    if (!uses || caches.length > 0) return ok();
    const { hits = 0, misses = 0 } = hitsOf(evidence) ?? {};
    if (hits > 0) {
      return untold(
        `No external cache is listed, and yet ${hits} of ${hits + misses} answers came without a backend: from a cache that is not listed, or from a policy.`,
        "Look at the external cache in the portal (API Management, External cache), and whether a policy answers by itself",
      );
    }
    return problem(
      "The service has no external cache.",
      "A semantic cache needs Azure Managed Redis with RediSearch as an external cache: without it nothing is kept.",
      "Create one and add it: portal, API Management, External cache; or az rest --method put on .../caches/default",
    );
  });

/** From here on whoever wrote it had a similarity in mind; above the first number answers to other prompts come back. */
const loosest = 0.2;
const similarity = 0.5;
const strictest = 0.01;

export const cacheThreshold = (evidence: Evidence): Finding =>
  ofLookups(evidence, (lookup, { apiId }) => {
    const text = lookup.attributes["score-threshold"] ?? "";
    const threshold = text.trim() === "" ? Number.NaN : Number(text);
    const seen = `${at(lookup)}: score-threshold ${text}.`;
    const set = (value: string): string => `Set score-threshold="${value}": ${edit(apiId)}`;
    if (threshold >= similarity) {
      return problem(
        seen,
        "The threshold is a distance, not a similarity: nearly any prompt counts as a match, and wrong answers come back.",
        set(threshold >= 0.8 && threshold < 1 ? `${Number((1 - threshold).toFixed(4))}` : "0.05"),
      );
    }
    if (threshold > loosest) return problem(seen, "Prompts that are not alike are answered from the cache.", set("0.05"));
    if (threshold < strictest)
      return problem(seen, "Only a prompt that is the same to the letter matches: the cache hardly ever answers.", set("0.05"));
    return null;
  });

/** What no two calls have in common. */
const unique =
  /\bRequestId\b|\bNewGuid\b|\bDateTime\b|\bTimestamp\b|\bRandom\b|traceparent|correlation|\bIpAddress\b|Request\s*\??\.\s*Body\b/i;

export const cacheVaryBy = (evidence: Evidence): Finding =>
  ofLookups(evidence, (lookup, { apiId }) => {
    const found = lookup.content.find(({ name, text }) => name === "vary-by" && unique.test(text));
    if (found === undefined || isHitOften(evidence)) return null;
    return problem(
      `${at(lookup)}: vary-by ${short(found.text)}.`,
      "It may be another for every call: then none finds what an earlier one has stored.",
      `Write <vary-by>@(context.Subscription.Id)</vary-by>: ${edit(apiId)}`,
    );
  });

/** https://learn.microsoft.com/azure/api-management/how-to-server-sent-events */
export const cacheStreaming = (evidence: Evidence): Finding =>
  ofLookups(evidence, (lookup, { apiId, streams }) => {
    const asked = streamedByCallers(evidence);
    if (!streams && asked !== null) {
      return problem(
        `${asked} answers were streamed, as their callers asked for, and none came from the cache.`,
        "A streamed answer is not stored: such calls fill no cache.",
        "Let callers whose prompts repeat ask without stream: true",
      );
    }
    return streams
      ? problem(
          `${at(lookup)}: the answer is streamed (forward-request buffer-response="false").`,
          "A streamed answer is not stored.",
          `Stream only where the caller asks for it, in a <choose> around forward-request: ${edit(apiId)}`,
        )
      : null;
  });

/** `38 of 40`, where nearly all answers were streamed and none came from the cache; else null. */
function streamedByCallers(evidence: Evidence): string | null {
  const { streams } = evidence.traffic;
  if (streams?.kind !== "read" || (hitsOf(evidence)?.hits ?? 0) > 0) return null;
  const { answers, streamed } = streams.value;
  return answers >= leastMisses && streamed >= 0.9 * answers ? `${streamed} of ${answers}` : null;
}

/** So many answers without a single hit are no chance. Assumed. */
const leastMisses = 20;

/** Answers without a call to a backend, and with one; null where nobody asked, or it cannot be read. */
function hitsOf({ traffic: { cache } }: Evidence): { readonly hits: number; readonly misses: number } | null {
  return cache?.kind === "read" ? (cache.value.estimators["no backend call"] ?? null) : null;
}

/** From this share on the cache does its work, however it varies. Assumed; it is what the rule for thresholds takes for little. */
const oftenHit = 0.2;

function isHitOften(evidence: Evidence): boolean {
  const { hits, misses } = hitsOf(evidence) ?? { hits: 0, misses: 0 };
  return hits > 0 && hits >= oftenHit * (hits + misses);
}

/** Whether calls look a semantic cache up, and store into it. */
function looksUp(evidence: Evidence): boolean {
  const read = valuesOf(servingReads(evidence));
  return "values" in read && cachesOf(servingInventory(read.values), evidence).some(({ lookup, hasStore }) => lookup !== null && hasStore);
}

/** No hit is never fine. Null where something that is wrong with the cache explains it: that check tells of it. */
export function cacheHits(evidence: Evidence, others: readonly Finding[]): Finding | null {
  const { cache, calls } = evidence.traffic;
  if (cache === null) return null;
  return knowingOrNull({ ...servingReads(evidence), calls, use: cache }, ({ calls: all, use }) => {
    if (!looksUp(evidence)) return ok();
    if (all.requests === 0) return withoutCalls(evidence);
    const { hits = 0, misses = 0 } = use.estimators["no backend call"] ?? {};
    if (hits > 0) return ok(`${hits} of ${hits + misses} answers came without a backend`);
    if (others.some(({ status }) => status === "problem")) return null;
    if (misses < leastMisses) {
      return untold(
        `0 of ${misses} answers came from the cache: too few to judge.`,
        "Send one prompt twice, and ask again two minutes later",
      );
    }
    return problem(
      `0 of ${misses} answers came from the cache.`,
      "Lookup and store are in place: either no two prompts are alike, or the embeddings or Redis fail without a word.",
      "Send one prompt twice. A miss again: it is the embeddings backend or Redis, try both by themselves. A hit: no two prompts were alike, then loosen score-threshold a step (0.05 to 0.1) with apply_policy",
    );
  });
}

function knowingOrNull<R extends Readonly<Record<string, Read<unknown>>>>(
  reads: R,
  check: (values: Values<R>) => Finding | null,
): Finding | null {
  const read = valuesOf(reads);
  return "values" in read ? check(read.values) : { status: "unknown", refusals: read.refusals };
}
