import type { Fidelity } from "../fidelity.ts";

const quota = "https://learn.microsoft.com/azure/ai-services/openai/how-to/quota#understanding-rate-limits";
const reference = "https://learn.microsoft.com/azure/ai-services/openai/reference";
const issue = (path: string): string => `answers that users report, e.g. https://github.com/${path}`;

const backendTest = (name: string): string => `test/sandbox/models/backend.test.ts: ${name}`;
const limitsTest = (name: string): string => `test/sandbox/models/limits.test.ts: ${name}`;
const scriptTest = (name: string): string => `test/sandbox/models/script.test.ts: ${name}`;
const hashTest = (name: string): string => `test/sandbox/models/lexical-hash.test.ts: ${name}`;
const hostsTest = (name: string): string => `test/sandbox/models/model-backends.test.ts: ${name}`;

/** How Azure OpenAI is known to answer, as far as the fake model backends do the same. */
export const modelFidelity: readonly Fidelity[] = [
  {
    behaviour: "Chat completions: the answer's members, the model with its version, content filter results",
    evidence: "documented",
    source: `${reference}#chat-completions`,
    test: backendTest("answers as Azure OpenAI does"),
  },
  {
    behaviour: "A chat's stream ends with the usage where stream_options.include_usage asks for it, and with [DONE]",
    evidence: "documented",
    source: "https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options",
    test: backendTest("ends with the usage where that is asked for"),
  },
  {
    behaviour: "Responses and the order of their streaming events",
    evidence: "documented",
    source: "https://platform.openai.com/docs/api-reference/responses-streaming",
    test: backendTest("its stream is a sequence of named events"),
  },
  {
    behaviour: "Embeddings as numbers or as base64 of little-endian 32-bit floats, with fewer dimensions where asked",
    evidence: "documented",
    source: `${reference}#embeddings`,
    test: backendTest("come as base64 of little-endian floats, the same ones"),
  },
  {
    behaviour: "x-ms-region, x-ratelimit-limit-* and x-ratelimit-remaining-* on answers",
    evidence: "measured",
    source: issue("microsoft/copilot-camp/issues/551"),
    test: backendTest("answers as Azure OpenAI does"),
  },
  {
    behaviour: "An unknown deployment is 404 DeploymentNotFound",
    evidence: "measured",
    source: issue("chatboxai/chatbox/issues/861"),
    test: backendTest("a deployment that is none of the list's"),
  },
  {
    behaviour: "Without a bearer token or a key of the resource the answer is 401, its code a text",
    evidence: "measured",
    source: issue("SciSharp/BotSharp/issues/386"),
    test: backendTest("a key that is another's"),
  },
  {
    behaviour: "A bearer token comes before an api-key, and any token is taken",
    evidence: "assumed",
    source: "the sandbox has no Microsoft Entra ID; what is to be seen is authentication that is missing",
    test: backendTest("a key that is another's beside a token"),
  },
  {
    behaviour: "Tokens are one for every four characters begun, 3 for each message, 3 for the answer, 85 for an image",
    evidence: "assumed",
    source: "OpenAI's rule of thumb for English; the sandbox has no tokenizer",
    test: backendTest("reads the text of parts, and counts an image"),
  },
  {
    behaviour: "Answers are text without meaning, the same for the same prompt, model, version and seed",
    evidence: "assumed",
    source: "no model runs here; regions with one model and version answer alike, others do not",
    test: backendTest("the same seed gives the same answer in every region; another seed, prompt or model another"),
  },
  {
    behaviour: "A deployment's token limit is judged on estimates, reset each minute: once reached, further requests get 429",
    evidence: "documented",
    source: quota,
    test: limitsTest("tokens: requests are let in until the limit is reached, then refused until the minute ends"),
  },
  {
    behaviour: "A deployment's request limit is judged over windows of 10 seconds",
    evidence: "documented",
    source: `${quota} ("typically 1 or 10 seconds")`,
    test: limitsTest("requests: a sixth of a minute's in ten seconds"),
  },
  {
    behaviour: "A request that does not limit its answer is estimated at 16 tokens beyond its prompt",
    evidence: "assumed",
    source: "not documented; https://github.com/microsoft/aoai-api-simulator takes 16 too",
    test: limitsTest("every choice counts, and an answer of no stated length counts 16"),
  },
  {
    behaviour: "Azure OpenAI's 429: its words, Retry-After and retry-after-ms",
    evidence: "measured",
    source: issue("alex-wolf-ps/dbchatprov2/issues/2"),
    test: limitsTest("a request is judged by its prompt and the answer that it allows, in Azure OpenAI's words"),
  },
  {
    behaviour: "A refused connection and a stream that breaks reach the gateway as fetch's own errors",
    evidence: "assumed",
    source: "as Node.js reports them; the gateway's words are another matter",
    test: scriptTest("refused: rejects as fetch does"),
  },
  {
    behaviour: "Embeddings are lexical: near-duplicates are near, a paraphrase is far, a negation stays beyond 0.05",
    evidence: "assumed",
    source: "hashed words, not a model: says nothing about hit rates in production",
    test: hashTest("a negation in a short sentence is never a near-duplicate at 0.05"),
  },
  {
    behaviour: "A backend's region is its azureRegion, else the one that its title, name or host names",
    evidence: "assumed",
    source: "no lookup of hosts here",
    test: hostsTest("each of the seed's is one region"),
  },
];
