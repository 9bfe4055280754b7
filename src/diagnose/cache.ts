import type { EffectiveElement, ElementContent } from "../policy/effective.ts";
import { pathOf } from "../policy/select.ts";
import { cacheEmbeddings } from "./cache-embeddings.ts";
import { type Finding, knowing, ok, problem, untold } from "./check.ts";
import { servingInventory, servingReads } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { withoutCalls } from "./failure-counts.ts";
import { type Read, type Values, valuesOf } from "./reads.ts";
import {
  additionTo,
  appendBeside,
  at,
  cachesOf,
  editsIn,
  hitsOf,
  leastMisses,
  looksUp,
  ofLookups,
  setAt,
  storeFor,
  streamedByCallers,
} from "./semantic-caches.ts";
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
        `Add llm-semantic-cache-lookup to inbound and -store to outbound: ${additionTo(name, { stores: true })}`,
      );
    }
    const half = caches.find(({ lookup, store }) => lookup === null || store === null);
    if (half === undefined) return ok();
    return half.lookup === null
      ? problem(
          `API '${half.apiId}' stores into the semantic cache and never looks it up.`,
          "Nothing is ever answered from the cache.",
          `Add llm-semantic-cache-lookup to inbound: ${additionTo(half.apiId, { stores: false })}`,
        )
      : problem(
          `${at(half.lookup)}: a lookup without llm-semantic-cache-store.`,
          "Nothing is ever put into the cache, so nothing is found.",
          `Add ${storeFor(half.lookup)} to outbound: ${appendBeside(half.lookup, "outbound", storeFor(half.lookup))}`,
        );
  });

/** https://learn.microsoft.com/azure/api-management/azure-openai-enable-semantic-caching#prerequisites */
export const cacheRedis = (evidence: Evidence): Finding =>
  knowing(servingReads(evidence), (read) =>
    cachesOf(servingInventory(read), evidence).length === 0
      ? ok()
      : knowing({ caches: evidence.caches }, ({ caches }) => listed(caches, evidence)),
  );

function listed(caches: readonly unknown[], evidence: Evidence): Finding {
  if (caches.length > 0) return ok();
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
}

/** From here on whoever wrote it had a similarity in mind; above the first number answers to other prompts come back. */
const loosest = 0.2;
const similarity = 0.5;
const strictest = 0.01;

export const cacheThreshold = (evidence: Evidence): Finding =>
  ofLookups(evidence, (lookup) => {
    const text = lookup.attributes["score-threshold"] ?? "";
    const threshold = text.trim() === "" ? Number.NaN : Number(text);
    const seen = `${at(lookup)}: score-threshold ${text}.`;
    const set = (value: string): string => `Set score-threshold="${value}": ${setAt(lookup, { "score-threshold": value })}`;
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

const bySubscription = "<vary-by>@(context.Subscription.Id)</vary-by>";

function replaceVaryBy({ place, step, content }: EffectiveElement, found: ElementContent): string {
  const all = content.filter(({ name }) => name === "vary-by");
  const index = all.length === 1 ? "" : `[${all.indexOf(found) + 1}]`;
  return editsIn(place.document, [{ select: `${pathOf(step.element)}/vary-by${index}`, replace: bySubscription }]);
}

/** What no two calls have in common. */
const unique =
  /\bRequestId\b|\bNewGuid\b|\bDateTime\b|\bTimestamp\b|\bRandom\b|traceparent|correlation|\bIpAddress\b|Request\s*\??\.\s*Body\b/i;

export const cacheVaryBy = (evidence: Evidence): Finding =>
  ofLookups(evidence, (lookup) => {
    const found = lookup.content.find(({ name, text }) => name === "vary-by" && unique.test(text));
    if (found === undefined || isHitOften(evidence)) return null;
    return problem(
      `${at(lookup)}: vary-by ${short(found.text)}.`,
      "It may be another for every call: then none finds what an earlier one has stored.",
      `Write ${bySubscription}: ${replaceVaryBy(lookup, found)}`,
    );
  });

/** https://learn.microsoft.com/azure/api-management/how-to-server-sent-events */
export const cacheStreaming = (evidence: Evidence): Finding =>
  ofLookups(evidence, (lookup, { streaming }) => {
    const asked = streamedByCallers(evidence);
    if (streaming === null && asked !== null) {
      return problem(
        `${asked.streamed} of ${asked.answers} answers were streamed, as their callers asked for, and none came from the cache.`,
        "A streamed answer is not stored: such calls fill no cache.",
        "Let callers whose prompts repeat ask without stream: true",
      );
    }
    return streaming === null
      ? null
      : problem(
          `${at(lookup)}: the answer is streamed (forward-request buffer-response="false").`,
          "A streamed answer is not stored.",
          `Take it off, or put it into a <choose> for callers that stream: ${setAt(streaming, { "buffer-response": null })}`,
        );
  });

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
        "Send one prompt twice, without stream, and ask again two minutes later",
      );
    }
    const embeddings = cacheEmbeddings(evidence);
    const answered = embeddings.status === "ok" ? embeddings.remark : undefined;
    const suspects = answered === undefined ? "the embeddings backend or Redis" : "Redis";
    return problem(
      `0 of ${misses} answers came from the cache.`,
      `Lookup and store are in place${answered === undefined ? "" : `, and embeddings are made (${answered})`}: either no two prompts are alike, or ${suspects} fails without a word.`,
      `Send one prompt twice. A miss again: try ${suspects} by itself. A hit: no two prompts were alike${loosening(evidence)}`,
    );
  });
}

/** A step of 0.02 up to 0.15, from where answers to other prompts come back. Assumed. */
const step = 0.02;
const widest = 0.15;

/** What loosens the first lookup's threshold by a step; nothing where it is wide enough, or no number. */
function loosening(evidence: Evidence): string {
  const steps: string[] = [];
  ofLookups(evidence, (lookup) => {
    const threshold = Number(lookup.attributes["score-threshold"] ?? Number.NaN);
    const next = Number((threshold + step).toFixed(4));
    if (next <= widest) steps.push(setAt(lookup, { "score-threshold": `${next}` }));
    return null;
  });
  const [first] = steps;
  return first === undefined ? "" : `, then loosen the threshold by a step: ${first}`;
}

function knowingOrNull<R extends Readonly<Record<string, Read<unknown>>>>(
  reads: R,
  check: (values: Values<R>) => Finding | null,
): Finding | null {
  const read = valuesOf(reads);
  return "values" in read ? check(read.values) : { status: "unknown", refusals: read.refusals };
}
