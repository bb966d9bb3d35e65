// What is deployed.
import { get } from "./api";
import { type Loaded, useLoaded } from "./loading";
import type { Parameters } from "./state";

export interface Measure {
  readonly name: string;
  readonly kind: "integer" | "number" | "string" | "boolean";
  readonly doc: string;
  readonly fold: string;
}

export interface Report {
  readonly path: string;
  readonly name: string;
  readonly doc: string;
  readonly key: Measure;
  readonly measures: readonly Measure[];
  readonly bucket_seconds: number;
}

export interface Series {
  readonly name: string;
  readonly doc: string;
  readonly key: string;
  readonly of: string | null;
}

export interface Field {
  readonly name: string;
  readonly kind: "integer" | "number" | "string" | "boolean";
  readonly doc: string;
  readonly required: boolean;
  readonly role: string;
  readonly choices: readonly string[];
}

export interface Kind {
  readonly name: string;
  readonly doc: string;
  readonly fields: readonly Field[];
  readonly modes: readonly string[];
  readonly tested: boolean;
}

export interface UseCase {
  readonly name: string;
  readonly doc: string;
  readonly reports: readonly Report[];
  readonly definitions: readonly string[];
  readonly kinds: readonly Kind[];
  readonly model: boolean;
  readonly series: readonly Series[];
  readonly actions: boolean;
  readonly decisions: boolean;
  readonly ledger: boolean;
}

export interface Catalog {
  readonly use_cases: readonly UseCase[];
}

export function useCatalog(key: string): Loaded<Catalog> {
  return useLoaded<Catalog>(`catalog ${key}`, (signal) =>
    get("DashboardKey", "catalog", {}, signal),
  );
}

/** The use case of the address, or the first. */
export function chosen(
  catalog: Catalog,
  parameters: Parameters,
  having: (useCase: UseCase) => boolean = () => true,
): UseCase | undefined {
  const found = catalog.use_cases.filter(having);
  return found.find((u) => u.name === parameters.use_case) ?? found[0];
}
