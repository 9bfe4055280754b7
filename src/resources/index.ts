import type { Reference, Resources } from "../resource.ts";
import { policies } from "./policies.ts";

const catalogue: Reference = {
  uri: "apim://reference/policies",
  name: "policy-catalogue",
  title: "Policy catalogue",
  description: "What each policy may hold and where it may stand, as the validator checks it",
  mimeType: "text/markdown",
  text: async () => (await import("../policy/catalogue-tables.ts")).catalogueTables(),
};

const fidelity: Reference = {
  uri: "apim://reference/sandbox",
  name: "sandbox-fidelity",
  title: "What the sandbox does like Azure",
  description: "Each behaviour of the sandbox's gateway, with its source or as an assumption",
  mimeType: "text/markdown",
  text: async () => (await import("../sandbox/fidelity-table.ts")).fidelityTables(),
};

/** Every resource that a client is offered. */
export const resources: Resources = { references: [catalogue, fidelity], templates: [policies] };
