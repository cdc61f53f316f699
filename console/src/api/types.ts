/** The API's shapes by the names that the console uses. All of them come from the OpenAPI document. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Adapter = Schemas["AdapterPublic"];
export type AdapterAccepted = Schemas["AdapterAccepted"];
export type Backbone = Schemas["BackbonePublic"];
export type AuditEvent = Schemas["AuditEventPublic"];
export type Answer = Schemas["AnswerPublic"];
export type AnswersPage = Schemas["AnswersPage"];
export type Caller = Schemas["CallerPublic"];
export type Certainty = Schemas["CertaintyPublic"];
export type Comparison = Schemas["ComparisonPublic"];
export type Drift = Schemas["DriftPublic"];
export type ErrorBody = Schemas["Refusal"];
export type Estimate = Schemas["EstimatePublic"];
export type FieldFault = Schemas["FieldFault"];
export type Job = Schemas["JobPublic"];
export type ApiKey = Schemas["KeyPublic"];
export type KeyCreated = Schemas["KeyCreated"];
export type Language = Schemas["LanguagePublic"];
export type PairPrediction = Schemas["PairPrediction"];
export type PredictAnswer = Schemas["PredictAnswer"];
export type Prediction = Schemas["PredictionPublic"];
export type PredictionDetail = Schemas["PredictionDetail"];
export type PredictionAccepted = Schemas["PredictionAccepted"];
export type Reading = Schemas["Reading"];
export type Score = Schemas["Score"];
export type Suggestion = Schemas["Suggestion"];
export type Suggestions = Schemas["Suggestions"];
export type Ticket = Schemas["TicketPublic"];
export type TicketPreview = Schemas["TicketPreviewPublic"];
export type TicketAccepted = Schemas["TicketAccepted"];
export type Worker = Schemas["WorkerPublic"];
export type Label = Schemas["PairPrediction"]["label"];
export type LabelSpace = Schemas["Score"]["label_space"];
export type Scope = ApiKey["scopes"][number];

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** The labels of each space, in the order of the API's confusion matrices. */
export const LABELS: Record<LabelSpace, Label[]> = {
  three_way: ["entailment", "neutral", "contradiction"],
  two_way: ["entailment", "not_entailment"],
};
