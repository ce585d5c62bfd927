//! How a Lambda function comes to rest: starting, changing, failing, going.

use crate::resource::{Class, Cx, Failure, Found as _, Poll, Result};
use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{FunctionConfiguration, LastUpdateStatus, State};
use std::time::Duration;

/// How long a function may take to start or to change. In a VPC Lambda makes
/// network interfaces first, which takes a minute or more.
const SETTLES: Duration = Duration::from_secs(600);

/// Lambda lets far more GetFunction through than any other call, so it serves
/// for polling too.
pub(super) async fn get(name: &str, cx: &Cx) -> Result<GetFunctionOutput> {
    let request = cx.lambda().get_function().function_name(name);
    cx.observe("lambda:GetFunction", || request.clone().send()).await
}

/// Waits until Lambda has finished what it does to the function, well or not.
pub(super) async fn settled(name: &str, cx: &Cx) -> Result<FunctionConfiguration> {
    cx.wait(SETTLES, || async {
        let Some(now) = get(name, cx).await?.configuration else {
            return Ok(Poll::Pending(format!("{name} is not visible yet")));
        };
        let word = match (now.state(), now.last_update_status()) {
            (Some(State::Pending), _) => "starting",
            (_, Some(LastUpdateStatus::InProgress)) => "being updated",
            _ => return Ok(Poll::Ready(now)),
        };
        let reason = now.state_reason().or(now.last_update_status_reason()).unwrap_or_default();
        Ok(Poll::Pending(format!("{name} is {word}: {reason}")))
    })
    .await
}

/// Waits until the function has started. One that failed to never ran and
/// cannot be repaired: it is deleted, so that the next apply makes it anew.
pub(super) async fn started(name: &str, cx: &Cx) -> Result<FunctionConfiguration> {
    let configuration = settled(name, cx).await?;
    if configuration.state() != Some(&State::Failed) {
        return Ok(configuration);
    }
    delete(name, cx).await?;
    working(configuration).map_err(|mut failure| {
        failure.message += ". It was deleted again; the next apply makes it anew";
        failure
    })
}

/// Refuses a function that failed to start or to change, in Lambda's words.
pub(super) fn working(configuration: FunctionConfiguration) -> Result<FunctionConfiguration> {
    let (what, reason) = match (configuration.state(), configuration.last_update_status()) {
        (Some(State::Failed), _) => ("failed to start", configuration.state_reason()),
        (_, Some(LastUpdateStatus::Failed)) => {
            ("could not be updated", configuration.last_update_status_reason())
        }
        _ => return Ok(configuration),
    };
    let name = configuration.function_name().unwrap_or_default();
    Err(Failure::refused(format!("{name} {what}: {}", reason.unwrap_or("Lambda gives no reason"))))
}

/// Says why the reservation is refused, with the account's figures.
pub(super) async fn unreserved_minimum(mut failure: Failure, cx: &Cx) -> Failure {
    let request = cx.lambda().get_account_settings();
    let answer = cx.observe("lambda:GetAccountSettings", || request.clone().send()).await;
    let limit = answer.ok().and_then(|settings| settings.account_limit);
    if let Some(limit) = limit {
        let (all, region) = (limit.concurrent_executions, cx.region());
        let free = limit.unreserved_concurrent_executions.unwrap_or_default();
        let words = failure.message;
        failure.message = format!("{words} Of {all} in {region}, {free} are unreserved now.");
    }
    failure.message += " Lambda keeps a part of the account's concurrent executions free for \
                        functions without a reservation. Leave ReservedConcurrentExecutions \
                        out, lower it, or ask AWS for a higher quota 'Concurrent executions'.";
    failure
}

/// Deletes the function and returns once its name is free.
pub(super) async fn delete(name: &str, cx: &Cx) -> Result<()> {
    let request = cx.lambda().delete_function().function_name(name);
    let operation = "lambda:DeleteFunction";
    let Some(answer) = cx.mutate(operation, || request.clone().send()).await.found()? else {
        return Ok(());
    };
    // 202: it goes on in the background, and the name is not free before.
    if answer.status_code != 202 {
        return Ok(());
    }
    cx.wait(SETTLES, || async {
        match get(name, cx).await {
            Err(failure) if failure.class == Class::Gone => Ok(Poll::Ready(())),
            Err(failure) => Err(failure),
            Ok(_) => Ok(Poll::Pending(format!("{name} is being deleted"))),
        }
    })
    .await
}
