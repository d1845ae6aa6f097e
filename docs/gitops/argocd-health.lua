-- Health of a TrainingJob for Argo CD: argocd-cm, resource.customizations.health.cloister.dev_TrainingJob
hs = { status = "Progressing", message = "Waiting for the operator" }
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return hs
end
hs.message = obj.status.message
for _, condition in ipairs(obj.status.conditions or {}) do
  if condition.status == "True" then
    if condition.type == "Failed" or condition.type == "FailureTarget" or condition.type == "Stalled" then
      hs.status = "Degraded"
      hs.message = condition.message
      return hs
    end
    if condition.type == "Complete" then
      hs.status = "Healthy"
    elseif condition.type == "Suspended" then
      hs.status = "Suspended"
    end
  end
end
-- Same as for a batch Job that Kueue holds back.
if obj.status.phase == "Queued" then
  hs.status = "Suspended"
end
return hs
