{{/* Names, labels and the image. */}}

{{- define "ltp.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Shorter than a name may be: the parts' names come after it. */}}
{{- define "ltp.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "ltp.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "ltp.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What a selector may hold: it never changes. Takes the chart's context and the name of the part. */}}
{{- define "ltp.selector" -}}
app.kubernetes.io/name: {{ include "ltp.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{- define "ltp.labels" -}}
{{ include "ltp.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "ltp.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ltp.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Takes the chart's context and the device. */}}
{{- define "ltp.image" -}}
{{- $suffix := ternary .root.Values.image.cudaSuffix "" (eq .device "cuda") -}}
{{- printf "%s:%s%s" .root.Values.image.repository (default .root.Chart.AppVersion .root.Values.image.tag) $suffix -}}
{{- end -}}
