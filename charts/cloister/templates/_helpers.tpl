{{- define "cloister.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 45 characters, so that names with any suffix of this chart have at most 63. */}}
{{- define "cloister.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "cloister.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "cloister.serviceAccount" -}}
{{ include "cloister.fullname" . }}-operator
{{- end -}}

{{/* User name of the operator at the API server. */}}
{{- define "cloister.operatorUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "cloister.serviceAccount" . }}
{{- end -}}

{{/* Service for the reports of agents, and Secret with its key pair. */}}
{{- define "cloister.reportsName" -}}
{{ include "cloister.fullname" . }}-reports
{{- end -}}

{{- define "cloister.reportsSecret" -}}
{{- .Values.reports.existingSecret | default (printf "%s-tls" (include "cloister.reportsName" .)) -}}
{{- end -}}

{{- define "cloister.selector" -}}
app.kubernetes.io/name: {{ include "cloister.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "cloister.labels" -}}
{{ include "cloister.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: cloister
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* (dict "image" .Values.image "name" "image" "root" $) -> image reference; the digest takes precedence over the tag. */}}
{{- define "cloister.image" -}}
{{- $repository := required (printf "%s.repository is empty: set it to the repository that the image was pushed to (make images), and %s.digest to its digest" .name .name) .image.repository -}}
{{- if .image.digest -}}
{{ $repository }}@{{ .image.digest }}
{{- else -}}
{{ $repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* Match conditions that exclude exempt users and groups; empty if there are none. */}}
{{- define "cloister.exemptions" -}}
{{- with .Values.policy.exemptUsers }}
- name: not-an-exempt-user
  expression: {{ printf "!(request.userInfo.username in %s)" (toJson .) | quote }}
{{- end }}
{{- with .Values.policy.exemptGroups }}
- name: not-of-an-exempt-group
  expression: {{ printf "!has(request.userInfo.groups) || !request.userInfo.groups.exists(g, g in %s)" (toJson .) | quote }}
{{- end }}
{{- end -}}

{{/* (dict "name" POLICY "root" $) -> binding to confidential namespaces. Selected by namespace, because CONNECT requests carry no object labels. */}}
{{- define "cloister.bindingSpec" -}}
policyName: {{ .name }}
validationActions: [Deny, Audit]
matchResources:
  namespaceSelector:
    matchLabels:
      cloister.dev/confidential: "true"
      {{- /* Another release may manage other confidential namespaces. */}}
      {{- with .root.Values.watchNamespace }}
      kubernetes.io/metadata.name: {{ . }}
      {{- end }}
{{- end -}}

{{/* (dict "value" CEL "allowed" LIST) -> CEL: the value is an entry of the list or below one. The API server limits the
     cost of expressions, so the loop only compares strings. */}}
{{- define "cloister.isWithin" -}}
{{- $entries := list -}}
{{- range .allowed }}{{ $entries = append $entries (printf "%s/" (trimSuffix "/" .)) }}{{ end -}}
{{ printf "[%s + '/'].exists(v, %s.exists(a, v.startsWith(a)))" .value (toJson $entries) }}
{{- end -}}

{{/* A list for messages, shortened to its first 10 entries. */}}
{{- define "cloister.listed" -}}
{{- if le (len .) 10 -}}
{{ join ", " . }}
{{- else -}}
{{ slice . 0 10 | join ", " }} and {{ sub (len .) 10 }} more
{{- end -}}
{{- end -}}

{{/* Content of the file for --notifications-file. */}}
{{- define "cloister.notifications" -}}
{{- $targets := dict -}}
{{- range $name, $target := .Values.notifications.targets -}}
{{- if $target.webhook -}}
{{- $webhook := omit $target.webhook "authorizationSecret" -}}
{{- if $target.webhook.authorizationSecret -}}
{{- $webhook = set $webhook "authorizationFile" (printf "/etc/cloister/notifications/authorization/%s" $name) -}}
{{- end -}}
{{- $_ := set $targets $name (dict "webhook" $webhook) -}}
{{- else -}}
{{- $_ := set $targets $name $target -}}
{{- end -}}
{{- end -}}
{{- dict "source" .Values.notifications.source "clusterRanges" .Values.notifications.clusterRanges "targets" $targets | toJson -}}
{{- end -}}
