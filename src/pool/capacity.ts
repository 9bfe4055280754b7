import { GatewayError } from "../errors.ts";
import { readerCommand } from "../gateway/azure-cli.ts";
import type { ModelAccount, ModelDeployment } from "../gateway/model-accounts.ts";
import type { Behind } from "./account-tokens.ts";
import type { Member } from "./backend.ts";
import { type MemberModels, memberModels, unknownText } from "./served.ts";

/** Where calls go. */
export type Endpoint = Pick<Member, "backendId" | "url" | "isMissing">;

/** Who comes to carry what. */
export interface Load {
  /** `If aoai-eastus fails`. */
  readonly when: string;
  /** Those that get the pool's calls now. */
  readonly sources: readonly Endpoint[];
  /** Those that get them then. What else their accounts serve stays theirs. */
  readonly carriers: readonly Endpoint[];
}

/** What is said of a load, and what of it is a warning. */
export interface CapacityText {
  readonly text: string;
  readonly warnings: readonly string[];
}

/** Deployments that are named at most, those with the highest peaks. */
const mostNamed = 3;

/**
 * What the carriers' deployments may serve by their own limits of tokens and requests, against the most that the accounts of sources and carriers together have
 * served of each deployment in one minute of the last 24 h, whoever has called them. Deployments go by name; those that backends' URLs name are one, whatever they
 * are called. Assumed: `TokenTransaction` and `AzureOpenAIRequests` count as the limits do; Azure admits by estimates made before a call, and requests by the
 * second, so 429 may come below them
 * (https://learn.microsoft.com/azure/ai-foundry/openai/how-to/quota).
 */
export function capacityText({ when, sources, carriers }: Load, behind: Behind): CapacityText {
  const all = [...sources, ...carriers];
  const carrying = reachedOf(carriers, behind);
  const known = [...reachedOf(sources, behind), ...carrying];
  const models = unknownText(all, behind.served);
  const unread = [...models.map((text) => `models ${text}`), ...unreadMetrics(known, behind)];
  const mixed = new Set(known.map(({ pinned }) => pinned === null)).size > 1;
  if (unread.length > 0 || mixed) {
    const why = mixed ? ["some members' URLs name a deployment, others leave it to the call"] : unread;
    const same = models.length > 0 ? " by the same models" : "";
    return {
      text: `${when}: whether ${names(carriers)} can carry all of it (TPM, RPM)${same} is unknown; ${why.join("; ")}.`,
      warnings: [],
    };
  }
  const peaks = peaksOf(known, behind.tokens);
  if (peaks.length === 0) {
    return { text: `${when}: nothing to hold against the limits of ${names(carriers)}, no tokens in the last 24 h.`, warnings: [] };
  }
  const calls = peaksOf(known, behind.requests);
  const judged = peaks.map((peak): Judged => {
    const { lacks, tokens, requests } = limitsOf(peak.key, carrying);
    const called = calls.find(({ key }) => key === peak.key)?.peak ?? 0;
    return { name: peak.name, lacks, rates: [rate("TPM", peak.peak, tokens), ...(called === 0 ? [] : [rate("RPM", called, requests)])] };
  });
  const shown = judged.slice(0, mostNamed);
  const left = judged.length - shown.length;
  return {
    text: `${when}: ${names(carriers)} has ${shown.map(shownText).join(", ")}${left > 0 ? `, and ${left} more` : ""} (last 24 h).`,
    warnings: judged.flatMap((one) => shortOf(one, names(carriers)).map((text) => `${when}: the peak of the last 24 h was ${text}.`)),
  };
}

interface Rate {
  readonly unit: "TPM" | "RPM";
  readonly peak: number;
  readonly limit: number | "unknown";
}

const rate = (unit: Rate["unit"], peak: number, limit: Rate["limit"]): Rate => ({ unit, peak, limit });

/** A deployment, and what is asked of it. */
interface Judged {
  readonly name: string;
  /** Whether the carriers have none of this name. */
  readonly lacks: boolean;
  readonly rates: readonly Rate[];
}

type Reached = Extract<MemberModels, { kind: "read" }>;

const reachedOf = (members: readonly Endpoint[], { served }: Behind): readonly Reached[] =>
  members.map((member) => memberModels(member, served)).filter((models) => models.kind === "read");

const accountKey = ({ resourceId }: ModelAccount): string => resourceId.toLowerCase();

const names = (members: readonly Endpoint[]): string => members.map(({ backendId }) => backendId).join(" and ") || "nobody";

function unreadMetrics(known: readonly Reached[], { tokens }: Behind): readonly string[] {
  const accounts = new Map(known.map(({ account }) => [accountKey(account), account]));
  return [...accounts].flatMap(([id, account]) => {
    const read = tokens.get(id);
    if (read === undefined) return [`what account '${account.name}' has served was not read`];
    if (!(read instanceof GatewayError)) return [];
    const fix = read.code === "forbidden" ? `. ${readerCommand(account.resourceId)}` : "";
    return [`what account '${account.name}' has served cannot be read (${read.code})${fix}`];
  });
}

/** What all members' URLs name, whatever it is called. */
const pinnedKey = "";

interface Peak {
  readonly key: string;
  readonly name: string;
  readonly peak: number;
}

/** The most of each deployment that all accounts together have served in one minute, highest first. */
function peaksOf(known: readonly Reached[], loads: Behind["tokens"]): readonly Peak[] {
  const sums = new Map<string, Map<string, number>>();
  const spelled = new Map<string, string>();
  const counted = new Set<string>();
  for (const models of known) {
    const read = loads.get(accountKey(models.account));
    if (read === undefined || read instanceof GatewayError) continue;
    for (const [deployment, minutes] of read) {
      if (models.pinned !== null && models.pinned.toLowerCase() !== deployment) continue;
      const series = `${accountKey(models.account)} ${deployment}`;
      if (counted.has(series)) continue;
      counted.add(series);
      const key = models.pinned === null ? deployment : pinnedKey;
      const own = models.deployments.find(({ name }) => name.toLowerCase() === deployment);
      spelled.set(key, own?.name ?? spelled.get(key) ?? deployment);
      const sum = sums.get(key) ?? new Map<string, number>();
      sums.set(key, sum);
      for (const [time, total] of minutes) sum.set(time, (sum.get(time) ?? 0) + total);
    }
  }
  return [...sums]
    .map(([key, minutes]) => ({ key, name: spelled.get(key) ?? key, peak: Math.max(0, ...minutes.values()) }))
    .filter(({ peak }) => peak > 0)
    .toSorted((a, b) => b.peak - a.peak);
}

/** What of a deployment's peak the carriers cannot serve, in words. */
function shortOf({ name, lacks, rates }: Judged, carriers: string): readonly string[] {
  const [first] = rates;
  if (lacks && first !== undefined)
    return [`${amount(first.peak)} ${first.unit} of ${name}, and ${carriers} has no such deployment: callers would get 404`];
  return rates
    .filter(({ limit, peak }) => limit !== "unknown" && limit < peak)
    .map(
      ({ unit, limit, peak }) => `${amount(peak)} ${unit} of ${name}, the limit of ${carriers} is ${amount(limit)}: callers would get 429`,
    );
}

interface Limits {
  readonly lacks: boolean;
  readonly tokens: Rate["limit"];
  readonly requests: Rate["limit"];
}

/** What deployments of a key may serve together, each once: two members may lead to the same. */
function limitsOf(key: string, carrying: readonly Reached[]): Limits {
  const found = new Map<string, ModelDeployment>();
  for (const models of carrying) {
    for (const deployment of models.deployments) {
      const name = deployment.name.toLowerCase();
      if (models.pinned === null && name !== key) continue;
      found.set(`${accountKey(models.account)} ${name}`, deployment);
    }
  }
  const all = [...found.values()];
  return {
    lacks: all.length === 0,
    tokens: sumOf(all.map(({ tokensPerMinute }) => tokensPerMinute)),
    requests: sumOf(all.map(({ requestsPerMinute }) => requestsPerMinute)),
  };
}

function sumOf(limits: readonly (number | null)[]): Rate["limit"] {
  const told = limits.filter((limit) => limit !== null);
  return told.length < limits.length ? "unknown" : told.reduce((sum, limit) => sum + limit, 0);
}

/** `1,000 TPM of gpt-4o for a peak of 900 and 6 RPM for 5`. */
const shownText = ({ name, lacks, rates }: Judged): string =>
  rates
    .map(({ unit, limit, peak }, index) => {
      const limited = `${lacks ? "no" : amount(limit)} ${unit}`;
      return index === 0 ? `${limited} of ${name} for a peak of ${amount(peak)}` : `${limited} for ${amount(peak)}`;
    })
    .join(" and ");

const amount = (rate: Rate["limit"]): string => (rate === "unknown" ? "unknown" : rate.toLocaleString("en-US"));
