/** What a user may log in to a registry with. */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token. */
  | { readonly kind: 'identity'; readonly token: string }
  /** A bearer token, to be sent as it is. */
  | { readonly kind: 'bearer'; readonly token: string };
