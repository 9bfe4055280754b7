import type { Fidelity } from "../../fidelity.ts";

const page = "https://learn.microsoft.com/azure/api-management/llm-content-safety-policy";
const users = "several users of live services, who report the answer word for word";
const safetyTest = (name: string): string => `test/sandbox/gateway/safety/content-safety.test.ts: ${name}`;

/** How content safety is known to work. */
export const safetyFidelity: readonly Fidelity[] = [
  {
    behaviour: "A severity at or above the threshold is refused with 403",
    evidence: "documented",
    source: `${page}#category-attributes`,
    test: safetyTest("a severity of 4 at a threshold of %i (documented; words measured)"),
  },
  {
    behaviour: "The words of that 403",
    evidence: "measured",
    source: users,
    test: safetyTest("a severity of 4 at a threshold of %i (documented; words measured)"),
  },
  { behaviour: "Blocklists", evidence: "documented", source: `${page}#elements`, test: safetyTest("blocklists (documented)") },
  {
    behaviour: "`shield-prompt` asks for attacks",
    evidence: "documented",
    source: `${page}#attributes`,
    test: safetyTest("shield-prompt=%s: attacks (documented)"),
  },
  {
    behaviour: "All text of the request is looked at together",
    evidence: "documented",
    source: `${page}#usage-notes`,
    test: safetyTest("all text of the request is looked at together (documented)"),
  },
  {
    behaviour: "Content safety that refuses the gateway itself (no credentials) makes every prompt a 403",
    evidence: "measured",
    source: users,
    test: safetyTest("without credentials every prompt is refused, as if it were bad (measured)"),
  },
  {
    behaviour: "A prompt of more than 10,000 characters is a 403, where the page says 500",
    evidence: "measured",
    source: "a published demo of the AI policies on a live BasicV2 service (Test-NativePolicies.ps1)",
    test: safetyTest("a prompt of more than 10,000 characters is refused (measured; the page says 500)"),
  },
  {
    behaviour: "An internal error of content safety is 500",
    evidence: "documented",
    source: `${page}#usage-notes`,
    test: safetyTest("an internal error of the service is 500 (documented)"),
  },
  {
    behaviour: "Streamed completions are not looked at",
    evidence: "assumed",
    source: "the page does not say how they would be",
    test: safetyTest("a streamed completion is not looked at (assumed)"),
  },
];
