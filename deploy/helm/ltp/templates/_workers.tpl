{{/* Groups of workers: one Deployment each. */}}

{{/* The groups that are on, each with the values of `worker` for what it does not say, as JSON: name to group. */}}
{{- define "ltp.workers" -}}
{{- $groups := dict -}}
{{- range $name, $group := .Values.workers -}}
{{- if and $group $group.enabled -}}
{{- $_ := set $groups $name (mergeOverwrite (deepCopy $.Values.worker) (deepCopy $group)) -}}
{{- end -}}
{{- end -}}
{{- toJson $groups -}}
{{- end -}}

{{/* Kinds of jobs behind a group's queues: a queue is called for its kind, with an s. */}}
{{- define "ltp.kinds" -}}
{{- $kinds := list -}}
{{- range .queues -}}{{- $kinds = append $kinds (trimSuffix "s" .) -}}{{- end -}}
{{- toJson $kinds -}}
{{- end -}}

{{/* A job needs LTP_JOB_MEMORY_MB, and its runner half a gigabyte. Takes the maps of its settings, the group's name and the group. */}}
{{- define "ltp.checkMemory" -}}
{{- $job := dig "LTP_JOB_MEMORY_MB" "0" (include "ltp.merged" .settings | fromJson) | toString | int64 -}}
{{- $has := include "ltp.mebibytes" (dig "limits" "memory" "" .group.resources | toString) -}}
{{- if and $has (lt (int64 $has) (add $job 512)) -}}
{{- fail (printf "the workers %s may take %s of memory, but LTP_JOB_MEMORY_MB lets a job take %d MiB, and its runner takes 512: raise resources.limits.memory, or lower settings.service.LTP_JOB_MEMORY_MB" .name (dig "limits" "memory" "" .group.resources | toString) $job) -}}
{{- end -}}
{{- end -}}
