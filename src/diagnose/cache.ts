import { type Finding, knowing, ok, problem, untold } from "./check.ts";
import { servingInventory, servingReads } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { withoutCalls } from "./failure-counts.ts";
import { type Read, type Values, valuesOf } from "./reads.ts";
import { at, cachesOf, edit, hitsOf, leastMisses, looksUp, ofLookups } from "./semantic-caches.ts";
import { short } from "./wording.ts";

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

/** From this share on the cache does its work, however it varies. Assumed; it is what the rule for thresholds takes for little. */
const oftenHit = 0.2;

function isHitOften(evidence: Evidence): boolean {
  const { hits, misses } = hitsOf(evidence) ?? { hits: 0, misses: 0 };
  return hits > 0 && hits >= oftenHit * (hits + misses);
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
