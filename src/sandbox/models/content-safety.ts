import type { Upstream } from "../gateway/policy.ts";
import { listIn, memberOf, parsedJson } from "../gateway/untyped.ts";

/** What the scripted service finds in a text that holds the words, in any case. */
export type SafetyFinding =
  | { readonly words: string; readonly category: string; readonly severity: number }
  | { readonly words: string; readonly blocklist: string }
  | { readonly words: string; readonly attack: true };

/** Azure AI Content Safety as a script: finds what it has been told to find, and nothing else. */
export interface ContentSafetyService extends Upstream {
  readonly findings: SafetyFinding[];
  /** Answers so many requests with this status instead. */
  fail(status: number, times: number): void;
}

/** The longest text that is analysed (https://learn.microsoft.com/azure/ai-services/content-safety/overview#input-requirements). */
const longestText = 10_000;

/** Any host, by the paths of https://learn.microsoft.com/rest/api/contentsafety/text-operations. */
export function contentSafetyService(): ContentSafetyService {
  const findings: SafetyFinding[] = [];
  let failures = { status: 500, left: 0 };
  return {
    findings,
    fail(status, times) {
      failures = { status, left: times };
    },
    matches: ({ pathname }) => /\/contentsafety\/text:(?:analyze|shieldPrompt)$/.test(pathname),
    async fetch(request) {
      const body = parsedJson(await request.text());
      if (failures.left > 0) {
        failures.left--;
        return problem(failures.status, "InternalError");
      }
      if (!request.headers.has("authorization") && !request.headers.has("ocp-apim-subscription-key")) return problem(401, "Unauthorized");
      return new URL(request.url).pathname.endsWith("shieldPrompt") ? shielded(body, findings) : analysed(body, findings);
    },
  };
}

function shielded(body: unknown, findings: readonly SafetyFinding[]): Response {
  const prompt = textAt(body, "userPrompt");
  const attackDetected = findings.some((finding) => "attack" in finding && holds(prompt, finding));
  return Response.json({ userPromptAnalysis: { attackDetected }, documentsAnalysis: [] });
}

function analysed(body: unknown, findings: readonly SafetyFinding[]): Response {
  const text = textAt(body, "text");
  if (text.length > longestText) return problem(400, "InvalidRequestBody");
  const found = findings.filter((finding) => holds(text, finding));
  const asked = listIn(memberOf(body, "blocklistNames")) ?? [];
  return Response.json({
    blocklistsMatch: found.flatMap((finding) =>
      "blocklist" in finding && asked.includes(finding.blocklist)
        ? [{ blocklistName: finding.blocklist, blocklistItemId: "1", blocklistItemText: finding.words }]
        : [],
    ),
    categoriesAnalysis: (listIn(memberOf(body, "categories")) ?? []).map((category) => ({
      category,
      severity: Math.max(0, ...found.map((finding) => ("category" in finding && finding.category === category ? finding.severity : 0))),
    })),
  });
}

const holds = (text: string, { words }: SafetyFinding): boolean => text.toLowerCase().includes(words.toLowerCase());

function textAt(body: unknown, name: string): string {
  const text = memberOf(body, name);
  return typeof text === "string" ? text : "";
}

const problem = (status: number, code: string): Response => Response.json({ error: { code, message: code } }, { status });
