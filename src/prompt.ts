import type { ReadContext } from "./tool.ts";

/** Something that a user may fill in where a prompt is chosen. */
export interface PromptArgument {
  readonly name: string;
  readonly description: string;
  readonly required?: true;
  /** What it may be, for a client that completes it; read from the service where that knows. */
  readonly known?: (context: ReadContext) => Promise<readonly string[]>;
}

/** One MCP prompt: what a user can ask the model for by name. It calls nothing by itself. */
export interface Prompt {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: readonly PromptArgument[];
  /** The instruction to the model. `given` holds the arguments that were filled in, those that are required among them. Throws `invalid_input` for one that cannot be. */
  text(given: Readonly<Record<string, string>>): string;
}
