import type { ReadContext } from "./tool.ts";

/** A resource as a list shows it. */
interface ListedResource {
  readonly uri: string;
  readonly name: string;
  readonly title: string;
  readonly description?: string;
  readonly mimeType: string;
}

/** A resource of this program's own: the same for every service. */
export interface Reference extends ListedResource {
  text(): Promise<string>;
}

/** Resources of one kind that the service has: one for each value of the template's only variable. */
export interface ResourceTemplate {
  /** `apim://policies/{scope}`: a variable at the end, whose value is percent-encoded. */
  readonly uriTemplate: string;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly mimeType: string;
  /** Every value of the variable that there is something of. */
  known(context: ReadContext): Promise<readonly string[]>;
  /** Rejects with `not_found` where there is nothing of this value. */
  text(context: ReadContext, value: string): Promise<string>;
}

/** All that a server has for a client to read. */
export interface Resources {
  readonly references: readonly Reference[];
  readonly templates: readonly ResourceTemplate[];
}
