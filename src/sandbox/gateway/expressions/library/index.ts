import { Library } from "../definitions.ts";
import { collectionDefinitions } from "./collections.ts";
import { contextDefinitions } from "./context.ts";
import { credentialDefinitions } from "./credentials.ts";
import { dateDefinitions } from "./dates.ts";
import { enumDefinitions } from "./enums.ts";
import { jsonDefinitions } from "./json.ts";
import { linqDefinitions } from "./linq.ts";
import { numberDefinitions } from "./numbers.ts";
import { regexDefinitions } from "./regex.ts";
import { stringDefinitions } from "./strings.ts";
import { webDefinitions } from "./web.ts";

/** Every type that an expression can use. */
export const library = new Library([
  ...collectionDefinitions,
  ...contextDefinitions,
  ...credentialDefinitions,
  ...dateDefinitions,
  ...enumDefinitions,
  ...jsonDefinitions,
  ...linqDefinitions,
  ...numberDefinitions,
  ...regexDefinitions,
  ...stringDefinitions,
  ...webDefinitions,
]);
