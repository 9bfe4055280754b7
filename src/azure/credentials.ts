import type { TokenCredential } from "@azure/core-auth";
import type { Cloud } from "./clouds.ts";

/** A ready-made token, or else `DefaultAzureCredential` of the cloud, loaded when the first token is asked for. */
export function credentialFor(cloud: Cloud, accessToken?: string): TokenCredential {
  return accessToken === undefined ? defaultCredential(cloud) : readyToken(accessToken);
}

function readyToken(token: string): TokenCredential {
  // How long it really lasts is the issuer's knowledge; an expired one is answered with 401 and a hint.
  return { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
}

function defaultCredential(cloud: Cloud): TokenCredential {
  let opened: Promise<TokenCredential> | undefined;
  const open = async (): Promise<TokenCredential> => {
    // Loading the package takes a quarter of a second.
    const { DefaultAzureCredential } = await import("@azure/identity");
    return new DefaultAzureCredential({ authorityHost: cloud.authorityHost });
  };
  return {
    async getToken(scopes, options) {
      opened ??= open();
      return (await opened).getToken(scopes, options);
    },
  };
}
