{{/* What pods of API and workers have in common: environment, volumes, the container that prepares the backbone. */}}

{{- define "ltp.secret" -}}
{{- required "secrets.existingSecret is empty: name the Secret that holds the database's URL and the admin key (docs/kubernetes.md says how to make it)" .Values.secrets.existingSecret -}}
{{- end -}}

{{/* One variable out of the Secret: takes the context, the variable and the key. */}}
{{- define "ltp.fromSecret" -}}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef: {name: {{ include "ltp.secret" .root | quote }}, key: {{ .key | quote }}}
{{- end -}}

{{/* Maps of settings laid over each other, as JSON: each name once, since a server-side apply refuses a second one. */}}
{{- define "ltp.merged" -}}
{{- $all := dict -}}
{{- range . }}{{ $all = mergeOverwrite $all (deepCopy .) }}{{ end -}}
{{- toJson $all -}}
{{- end -}}

{{/* Settings and extraEnv, which counts where both name a variable. What is empty stays with the program's default.
     Takes the context and the maps of settings, those that count more behind those that count less. */}}
{{- define "ltp.settings" -}}
{{- $settings := include "ltp.merged" .maps | fromJson }}
{{- range .root.Values.extraEnv }}{{ $settings = omit $settings .name }}{{ end }}
{{- range $name, $value := $settings }}
{{- if ne (toString $value) "" }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
{{- with .root.Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ltp.databaseEnv" -}}
{{ include "ltp.fromSecret" (dict "root" . "variable" "LTP_DATABASE_URL" "key" .Values.secrets.keys.databaseUrl) }}
{{- with .Values.secrets.keys.databasePassword }}
{{ include "ltp.fromSecret" (dict "root" $ "variable" "PGPASSWORD" "key" .) }}
{{- end }}
{{- end -}}

{{- define "ltp.serviceEnv" -}}
{{ include "ltp.databaseEnv" . }}
{{- with .Values.secrets.keys.redisUrl }}
{{ include "ltp.fromSecret" (dict "root" $ "variable" "LTP_REDIS_URL" "key" .) }}
{{- end }}
- {name: LTP_BACKBONE, value: {{ .Values.backbone.name | quote }}}
{{- end -}}

{{/* Every place that the image writes to; the rest of its file system is read-only. */}}
{{- define "ltp.mounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: data, mountPath: /var/lib/ltp/data}
- {name: backbones, mountPath: /var/lib/ltp/backbones}
{{- end -}}

{{/* A claim, or a folder that goes with the pod. Takes the context, the name, the values, and the folder's limit. */}}
{{- define "ltp.volume" -}}
- name: {{ .name }}
{{- if .persistence.enabled }}
  persistentVolumeClaim:
    claimName: {{ default (printf "%s-%s" (include "ltp.fullname" .root) .name) .persistence.existingClaim | quote }}
{{- else if .limit }}
  emptyDir: {sizeLimit: {{ .limit }}}
{{- else }}
  emptyDir: {}
{{- end }}
{{- end -}}

{{- define "ltp.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 1Gi}
- name: data # uploads on their way into the database
  emptyDir: {sizeLimit: {{ .dataSizeLimit }}}
{{ include "ltp.volume" (dict "root" .root "name" "backbones" "persistence" .root.Values.backbone.persistence) }}
{{- end -}}

{{/* Pods on one claim wait for each other under a file lock; the first one downloads. */}}
{{- define "ltp.prepare" -}}
{{- if .root.Values.backbone.prepare }}
initContainers:
  - name: prepare-backbone
    image: {{ include "ltp.image" . | quote }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    command: [ltp, backbone, prepare, {{ .root.Values.backbone.name | quote }}]
    {{- with .root.Values.extraEnv }}
    env:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      {{- toYaml .root.Values.securityContext | nindent 6 }}
    resources:
      {{- toYaml .resources | nindent 6 }}
    volumeMounts:
      {{- include "ltp.mounts" .root | nindent 6 }}
{{- end }}
{{- end -}}

{{/* Who runs it and where. A pause container reaps what ends, as `init` does in the Compose file. */}}
{{- define "ltp.podSpec" -}}
serviceAccountName: {{ include "ltp.serviceAccount" .root }}
automountServiceAccountToken: false
shareProcessNamespace: true
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
terminationGracePeriodSeconds: {{ .part.terminationGracePeriodSeconds }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" }}
{{- with index $.part $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Mebibytes of a quantity as Kubernetes writes memory: 20Gi, 512Mi. Of other units: nothing, which is not compared. */}}
{{- define "ltp.mebibytes" -}}
{{- if hasSuffix "Gi" . }}{{ mulf (trimSuffix "Gi" . | float64) 1024 | int64 }}
{{- else if hasSuffix "Mi" . }}{{ trimSuffix "Mi" . }}
{{- end }}
{{- end -}}
