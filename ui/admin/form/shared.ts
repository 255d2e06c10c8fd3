/** What every input element of a field has. */
export type Shared = { id: string; "aria-describedby": string | undefined; "aria-invalid": "true" | undefined; disabled: boolean };
