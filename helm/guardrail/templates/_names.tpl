{{- define "guardrail.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "guardrail.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "guardrail.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "guardrail.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "guardrail.selector" -}}
app.kubernetes.io/name: {{ include "guardrail.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "guardrail.labels" -}}
{{ include "guardrail.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "guardrail.image" -}}
{{- $tag := printf "%s%s" .Chart.AppVersion (ternary "-gpu" "" .Values.gpu.enabled) -}}
{{- printf "%s:%s" .Values.image.repository (default $tag .Values.image.tag) -}}
{{- end -}}

{{/* The policy files as a map of name to text: the chart's folder, then values.policies over it. */}}
{{- define "guardrail.policies" -}}
{{- $files := dict -}}
{{- range $path, $text := .Files.Glob "policies/*.yaml" -}}
{{- $_ := set $files (base $path) (toString $text) -}}
{{- end -}}
{{- toYaml (merge (dict) .Values.policies $files) -}}
{{- end -}}

{{/* guardrail.yaml: the operator's settings under what the chart decides. */}}
{{- define "guardrail.settings" -}}
{{- $fixed := dict "host" "0.0.0.0" "port" 8080 "metrics_port" 9090 "data" "/var/lib/guardrail" -}}
{{- if include "guardrail.policies" . | fromYaml -}}
{{- $_ := set $fixed "policies" "/etc/guardrail/policies" -}}
{{- end -}}
{{- $given := deepCopy .Values.settings -}}
{{- if .Values.gpu.enabled -}}
{{- $given = mergeOverwrite $given (dict "classifier" (dict "device" "cuda")) -}}
{{- end -}}
{{- toYaml (mergeOverwrite $given $fixed) -}}
{{- end -}}

{{/* Port of the upstream, for the network policy. */}}
{{- define "guardrail.upstreamPort" -}}
{{- $url := urlParse (dig "upstream" "url" "" .Values.settings) -}}
{{- $port := regexFind ":[0-9]+$" (default "" $url.host) | trimPrefix ":" -}}
{{- default (ternary "80" "443" (eq $url.scheme "http")) $port -}}
{{- end -}}
