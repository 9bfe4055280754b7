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
 * What the carriers' deployments may serve by their own token limits, against the most that the accounts of sources and carriers together have
 * served of each deployment in one minute of the last 24 h, whoever has called them. Deployments go by name; those that backends' URLs name are one, whatever they
 * are called. Assumed: `TokenTransaction` counts as the limit does; Azure admits by estimates made before a call, so 429 may come below it
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
    return { text: `${when}: whether ${names(carriers)} can carry all of it (TPM)${same} is unknown; ${why.join("; ")}.`, warnings: [] };
  }
  const peaks = peaksOf(known, behind);
  if (peaks.length === 0) {
    return { text: `${when}: nothing to hold against the limits of ${names(carriers)}, no tokens in the last 24 h.`, warnings: [] };
  }
  const judged = peaks.map((peak) => ({ ...peak, ...limitOf(peak.key, carrying) }));
  const short = judged.filter(({ limit, peak }) => limit !== "unknown" && limit < peak);
  const shown = judged.slice(0, mostNamed);
  const left = judged.length - shown.length;
  return {
    text: `${when}: ${names(carriers)} has ${shown.map(shownText).join(", ")}${left > 0 ? `, and ${left} more` : ""} (last 24 h).`,
    warnings: short.map(
      ({ name, peak, limit, lacks }) =>
        `${when}: the peak of the last 24 h was ${amount(peak)} TPM of ${name}, ${
          lacks
            ? `and ${names(carriers)} has no such deployment: callers would get 404`
            : `the limit of ${names(carriers)} is ${amount(limit)}: callers would get 429`
        }.`,
    ),
  };
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
function peaksOf(known: readonly Reached[], { tokens }: Behind): readonly Peak[] {
  const sums = new Map<string, Map<string, number>>();
  const spelled = new Map<string, string>();
  const counted = new Set<string>();
  for (const models of known) {
    const read = tokens.get(accountKey(models.account));
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

/** What deployments of a key may serve together, each once: two members may lead to the same. */
function limitOf(key: string, carrying: readonly Reached[]): { readonly limit: number | "unknown"; readonly lacks: boolean } {
  const found = new Map<string, ModelDeployment>();
  for (const models of carrying) {
    for (const deployment of models.deployments) {
      const name = deployment.name.toLowerCase();
      if (models.pinned === null && name !== key) continue;
      found.set(`${accountKey(models.account)} ${name}`, deployment);
    }
  }
  const limits = [...found.values()].map(({ tokensPerMinute }) => tokensPerMinute);
  const told = limits.filter((limit) => limit !== null);
  return {
    limit: told.length < limits.length ? "unknown" : told.reduce((sum, limit) => sum + limit, 0),
    lacks: limits.length === 0,
  };
}

const shownText = ({ name, peak, limit, lacks }: Peak & ReturnType<typeof limitOf>): string =>
  `${lacks ? "no" : amount(limit)} TPM of ${name} for a peak of ${amount(peak)}`;

const amount = (tokens: number | "unknown"): string => (tokens === "unknown" ? "unknown" : tokens.toLocaleString("en-US"));
